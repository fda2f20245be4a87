"""Talks gRPC with real nodes as any program would, and pays while leaders die: see .ci/grpc."""

import contextlib
import hashlib
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

# This file has the name of a package that it needs.
sys.path.pop(0)

import grpc  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from google.rpc import error_details_pb2
from grpc_tools import protoc

TOOL = sys.argv[1]
PROTOS = pathlib.Path(sys.argv[2]).resolve()
FOLDER = tempfile.TemporaryDirectory(prefix="flotilla-grpc-")
STUBS = pathlib.Path(FOLDER.name) / "stubs"
STUBS.mkdir()
SOURCES = sorted(str(path) for path in (PROTOS / "flotilla").rglob("*.proto"))
if protoc.main(["", f"-I{PROTOS}", f"--python_out={STUBS}", f"--grpc_python_out={STUBS}", *SOURCES]):
    raise SystemExit("grpc: no stubs could be made")
sys.path.insert(0, str(STUBS))

from flotilla.v1 import administration_pb2 as admin  # noqa: E402
from flotilla.v1 import administration_pb2_grpc, keyvalue_pb2_grpc, payments_pb2_grpc  # noqa: E402
from flotilla.v1 import keyvalue_pb2 as keys  # noqa: E402
from flotilla.v1 import outcome_pb2 as outcomes  # noqa: E402
from flotilla.v1 import payments_pb2 as pay  # noqa: E402
from flotilla.v1 import replication_pb2 as log  # noqa: E402
from flotilla.v1 import replication_pb2_grpc, topics_pb2_grpc  # noqa: E402
from flotilla.v1 import topics_pb2 as topics  # noqa: E402

Status = grpc.StatusCode
checks = 0
seen = set()


def check(holds, words):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"grpc: {words}")


def until(words, condition, seconds=20):
    """Waits for something, and returns what it is."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        check(time.monotonic() < end, f"never: {words}")
        time.sleep(0.05)


def ulid(milliseconds=None):
    """A key, made before anything is sent."""
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    moment = int(time.time() * 1000) if milliseconds is None else milliseconds
    number = moment << 80 | random.getrandbits(80)
    return "".join(letters[number >> 5 * place & 31] for place in reversed(range(26)))


def told(error):
    """What a status says of its call; nothing if the transport made it."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        outcome = outcomes.Outcome()
        if detail.Unpack(outcome):
            seen.add(outcome.kind)
            return outcome
    return None


def ok(outcome, kind=outcomes.OUTCOME_KIND_OK):
    seen.add(outcome.kind)
    check(outcome.kind == kind, f"outcome {outcome} instead of {outcomes.OutcomeKind.Name(kind)}")
    return outcome


def refused(words, code, kind, reason, retry, call):
    """Makes a call that must not succeed, and returns what was told."""
    try:
        found = call()
    except grpc.RpcError as error:
        outcome = told(error)
        check(outcome is not None, f"{words}: no details: {error}")
        got = (error.code(), outcome.kind, outcome.retry)
        check(got == (code, kind, retry), f"{words}: {got}, {outcome}")
        check(reason is None or outcome.reason == reason, f"{words}: the reason {outcome.reason}")
        trailers = {name: value for name, value in error.trailing_metadata()}
        word = trailers.get("flotilla-outcome", "").lower()
        check(word == outcomes.OutcomeKind.Name(kind).removeprefix("OUTCOME_KIND_").replace("_", "").lower(),
              f"{words}: the trailer says {word}")
        check(bool(error.details()), f"{words}: nothing for people")
        return outcome
    raise SystemExit(f"grpc: {words} succeeded: {found}")


KIND = {name.removeprefix("OUTCOME_KIND_"): value for name, value in outcomes.OutcomeKind.items()}
RETRY = {name.removeprefix("RETRY_"): value for name, value in outcomes.Retry.items()}


class Node:
    """What one node serves."""

    OPTIONS = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 50),
               ("grpc.max_reconnect_backoff_ms", 200), ("grpc.enable_retries", 0)]

    def __init__(self, address, credentials=None):
        self.address = address
        self.channel = (grpc.secure_channel(address, credentials, self.OPTIONS) if credentials
                        else grpc.insecure_channel(address, self.OPTIONS))
        self.payments = payments_pb2_grpc.PaymentsStub(self.channel)
        self.keys = keyvalue_pb2_grpc.KeyValueStub(self.channel)
        self.sessions = keyvalue_pb2_grpc.SessionsStub(self.channel)
        self.topics = topics_pb2_grpc.TopicsStub(self.channel)
        self.admin = administration_pb2_grpc.AdministrationStub(self.channel)
        self.log = replication_pb2_grpc.ReplicationStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)


class Cluster:
    """Nodes as processes."""

    def __init__(self, name, count, *flags):
        self.folder = f"{FOLDER.name}/{name}"
        self.numbers = range(1, count + 1)
        ports = f"{FOLDER.name}/{name}.json"
        self.run("cluster", "up", "--nodes", str(count), "--first-port", str(self.free()), "--detach",
                 "--ports-file", ports, *flags)
        document = json.loads(pathlib.Path(ports).read_text())
        self.addresses = {int(node["node"][1:]): node["grpc"] for node in document["nodes"]}
        if None in self.addresses.values():
            self.end()
            raise SystemExit("grpc: this program speaks no gRPC: swift build --enable-all-traits --product flotilla")
        self.nodes = {number: Node(address) for number, address in self.addresses.items()}

    def free(self):
        for first in range(31_000 + os.getpid() % 1500, 60_000, 11):
            with contextlib.ExitStack() as stack:
                try:
                    for port in [first + gap + node for gap in (0, 100, 200, 300) for node in self.numbers]:
                        stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                    return first
                except OSError:
                    continue
        raise SystemExit("grpc: no ports are free")

    def run(self, *arguments):
        done = subprocess.run([TOOL, *arguments, "--data", self.folder], capture_output=True, text=True)
        check(done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}")

    def leader(self):
        def some():
            for number, node in self.nodes.items():
                with contextlib.suppress(grpc.RpcError):
                    if node.admin.Status(admin.StatusRequest(), timeout=2).role == "leader":
                        return number
            return None
        return until("a leader", some)

    def followers(self):
        leader = self.leader()
        return [number for number in self.numbers if number != leader]

    def kill(self, number):
        os.kill(int(pathlib.Path(f"{self.folder}/n{number}.pid").read_text()), signal.SIGKILL)

    def start(self, number):
        self.run("cluster", "start", f"n{number}")

    def serving(self, number):
        try:
            found = self.nodes[number].health.Check(health_pb2.HealthCheckRequest(), timeout=2)
            return found.status == health_pb2.HealthCheckResponse.SERVING
        except grpc.RpcError:
            return False

    def ready(self):
        for number in self.numbers:
            until(f"n{number} serves", lambda: self.serving(number))

    def end(self):
        subprocess.run([TOOL, "cluster", "down", "--data", self.folder], capture_output=True)
        for number in self.numbers:
            with contextlib.suppress(OSError, ValueError):
                self.kill(number)


def payment(source, target, amount, key="", **more):
    return pay.Payment(**{"from": source}, to=target, amount=amount, key=key, **more)


def submit(node, one, timeout=5, **write):
    return node.payments.Submit(pay.SubmitRequest(payment=one, write=outcomes.WriteOptions(**write)), timeout=timeout)


def take(stream, count):
    """The first messages of a stream, which is then ended."""
    found = []
    for one in stream:
        found.append(one)
        if len(found) == count:
            stream.cancel()
            break
    return found


# What each service does and says.


def check_health(cluster):
    for node in cluster.nodes.values():
        for service in ("", "flotilla.v1.Payments", "flotilla.v1.Replication"):
            found = node.health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
            check(found.status == health_pb2.HealthCheckResponse.SERVING, f"{service} is {found}")
    first = cluster.nodes[1]
    refused("the health of nothing", Status.NOT_FOUND, KIND["NOT_FOUND"], "service", RETRY["NO"],
            lambda: first.health.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=5))
    watch = first.health.Watch(health_pb2.HealthCheckRequest(), timeout=5)
    check(take(watch, 1)[0].status == health_pb2.HealthCheckResponse.SERVING, "the watched health")
    watch = first.health.Watch(health_pb2.HealthCheckRequest(service="nothing"), timeout=5)
    check(take(watch, 1)[0].status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN, "unknown health")


def check_payments(node):
    opened = node.payments.OpenAccounts(pay.OpenAccountsRequest(accounts=[
        pay.AccountOpening(id="bank", currency="EUR", unlimited_overdraft=True),
        pay.AccountOpening(id="alice", currency="EUR"), pay.AccountOpening(id="bob", currency="EUR")]), timeout=5)
    check([one.kind for one in opened.results] == [KIND["OK"]] * 3, f"accounts: {opened}")
    again = node.payments.OpenAccounts(pay.OpenAccountsRequest(accounts=[
        pay.AccountOpening(id="alice", currency="EUR"), pay.AccountOpening(id="bob", currency="USD")]), timeout=5)
    check([one.kind for one in again.results] == [KIND["DUPLICATE"], KIND["REFUSED"]], f"again: {again}")
    key = ulid()
    first = submit(node, payment("bank", "alice", 100, key))
    ok(first.outcome)
    check(first.number > 0 and first.outcome.index > 0 and first.outcome.key == key, f"submitted: {first}")
    second = submit(node, payment("bank", "alice", 100, key))
    ok(second.outcome, KIND["DUPLICATE"])
    check(second.number == first.number, f"the same number: {second}")
    refused("the key of another payment", Status.ALREADY_EXISTS, KIND["KEY_REUSED"], "amount",
            RETRY["WITH_ANOTHER_KEY"], lambda: submit(node, payment("bank", "alice", 101, key)))
    poor = refused("too little", Status.FAILED_PRECONDITION, KIND["REFUSED"], "insufficientFunds",
                   RETRY["WHEN_STATE_CHANGES"], lambda: submit(node, payment("alice", "bob", 101, ulid())))
    check("100" in poor.detail and "101" in poor.detail, f"what is said of it: {poor.detail}")
    refused("an old key", Status.FAILED_PRECONDITION, KIND["REFUSED"], "keyExpired", RETRY["WHEN_STATE_CHANGES"],
            lambda: submit(node, payment("bank", "alice", 1, ulid(1_000_000_000_000))))
    refused("nobody", Status.NOT_FOUND, KIND["NOT_FOUND"], "unknownDebit", RETRY["NO"],
            lambda: submit(node, payment("nobody", "bob", 1, ulid())))
    for words, reason, one in [
            ("no payment", "from", pay.Payment()), ("nobody to get it", "to", payment("alice", "", 1)),
            ("no amount", "amount", pay.Payment(**{"from": "alice"}, to="bob")),
            ("no key", "key", payment("alice", "bob", 1, "rent")),
            ("a name too long", "from", payment("a" * 17, "bob", 1)),
            ("a large code", "code", payment("alice", "bob", 1, code=70_000)),
            ("no kind", "kind", payment("alice", "bob", 1, kind=99)),
            ("a link alone", "linked", payment("alice", "bob", 1, linked=True)),
            ("a capture of nothing", "of", pay.Payment(kind=pay.PAYMENT_KIND_CAPTURE))]:
        refused(words, Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], reason, RETRY["AFTER_FIXING"],
                lambda: submit(node, one))
    hold = submit(node, payment("alice", "bob", 40, ulid(), kind=pay.PAYMENT_KIND_HOLD))
    account = node.payments.GetAccount(pay.GetAccountRequest(id="alice"), timeout=5).account
    check((account.balance, account.available) == (100, 60), f"held: {account}")
    ok(submit(node, pay.Payment(kind=pay.PAYMENT_KIND_CAPTURE, of=hold.number, key=ulid())).outcome)
    record = node.payments.Get(pay.GetPaymentRequest(number=hold.number), timeout=5).payment
    check((record.state, record.settled) == (pay.HOLD_STATE_CAPTURED, 40), f"captured: {record}")
    by_key = node.payments.Get(pay.GetPaymentRequest(key=key), timeout=5).payment
    check(by_key.number == first.number and by_key.amount == 100, f"by its key: {by_key}")
    refused("no such payment", Status.NOT_FOUND, KIND["NOT_FOUND"], None, RETRY["NO"],
            lambda: node.payments.Get(pay.GetPaymentRequest(number=10**9), timeout=5))
    refused("no question", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "which", RETRY["AFTER_FIXING"],
            lambda: node.payments.Get(pay.GetPaymentRequest(), timeout=5))
    batch = node.payments.SubmitBatch(pay.SubmitBatchRequest(payments=[
        payment("alice", "bob", 10, ulid(), linked=True), payment("alice", "bob", 999, ulid()),
        payment("bob", "alice", 5, ulid())]), timeout=5)
    check([one.outcome.kind for one in batch.results] == [KIND["REFUSED"], KIND["REFUSED"], KIND["OK"]], f"{batch}")
    check([one.outcome.reason for one in batch.results][:2] == ["linkedFailed", "insufficientFunds"], f"{batch}")
    listed = node.payments.List(pay.ListPaymentsRequest(limit=2), timeout=5)
    check(len(listed.payments) == 2 and not listed.is_complete, f"two: {listed}")
    check(listed.payments[0].number > listed.payments[1].number, "newest first")
    rest = node.payments.List(pay.ListPaymentsRequest(before=listed.payments[1].number), timeout=5)
    check(rest.is_complete and rest.payments[0].number == listed.payments[1].number - 1, f"the rest: {rest}")
    theirs = node.payments.List(pay.ListPaymentsRequest(account="bob"), timeout=5).payments
    check(theirs and all("bob" in (getattr(one, "from"), one.to) for one in theirs), f"of bob: {theirs}")
    refused("a long list", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "limit", RETRY["AFTER_FIXING"],
            lambda: node.payments.List(pay.ListPaymentsRequest(limit=10_001), timeout=5))
    then = node.payments.GetAccount(pay.GetAccountRequest(id="alice", at=first.outcome.index), timeout=5).account
    check(then.balance == 100, f"as it was: {then}")
    refused("no such account", Status.NOT_FOUND, KIND["NOT_FOUND"], None, RETRY["NO"],
            lambda: node.payments.GetAccount(pay.GetAccountRequest(id="nobody"), timeout=5))
    accounts = node.payments.ListAccounts(pay.ListAccountsRequest(limit=2), timeout=5)
    check([one.id for one in accounts.accounts] == ["bank", "alice"] and accounts.count == 3, f"{accounts}")
    check(not accounts.accounts[0].HasField("available"), "the bank's money has an end")
    audit = node.payments.Audit(pay.AuditRequest(), timeout=5)
    check(audit.is_balanced and audit.currencies[0].currency == "EUR", f"audit: {audit}")


def check_payment_streams(cluster, node):
    records = node.payments.List(pay.ListPaymentsRequest(limit=1_000), timeout=5).payments
    numbers = sorted(one.number for one in records)
    for other in cluster.nodes.values():
        until("the follower has them", lambda: other.payments.List(pay.ListPaymentsRequest(
            limit=1, read=outcomes.ReadOptions(read=outcomes.READ_STALE)), timeout=5).payments[0].number == numbers[-1])
        half = take(other.payments.Stream(pay.StreamPaymentsRequest(after=0), timeout=10), 2)
        rest = take(other.payments.Stream(pay.StreamPaymentsRequest(after=half[-1].number), timeout=10), len(numbers) - 2)
        check([one.number for one in half + rest] == numbers, "a stream that was taken up again")
    live = node.payments.Stream(pay.StreamPaymentsRequest(), timeout=10)
    # The server answers as soon as it is ready to send.
    live.initial_metadata()
    time.sleep(0.2)
    made = submit(node, payment("bank", "bob", 7, ulid()))
    check(take(live, 1)[0].number == made.number, "a live stream")


def check_keys(node):
    refused("no key", Status.NOT_FOUND, KIND["NOT_FOUND"], None, RETRY["NO"],
            lambda: node.keys.Get(keys.GetRequest(key=b"a"), timeout=5))
    first = ok(node.keys.Put(keys.PutRequest(key=b"a", value=b"\x00\xff"), timeout=5).outcome)
    found = node.keys.Get(keys.GetRequest(key=b"a"), timeout=5)
    check(found.value == b"\x00\xff" and found.freshness.index >= first.index, f"{found}")
    mismatch = lambda: node.keys.Put(keys.PutRequest(key=b"a", value=b"2", expected=b"1"), timeout=5)
    refused("a comparison", Status.FAILED_PRECONDITION, KIND["REFUSED"], "mismatch", RETRY["WHEN_STATE_CHANGES"], mismatch)
    refused("what is there", Status.FAILED_PRECONDITION, KIND["REFUSED"], "mismatch", RETRY["WHEN_STATE_CHANGES"],
            lambda: node.keys.Put(keys.PutRequest(key=b"a", value=b"2", if_absent=True), timeout=5))
    ok(node.keys.Put(keys.PutRequest(key=b"a", value=b"2", expected=b"\x00\xff"), timeout=5).outcome)
    ok(node.keys.Put(keys.PutRequest(key=b"ab", value=b"3", if_absent=True), timeout=5).outcome)
    pairs = node.keys.List(keys.ListRequest(prefix=b"a"), timeout=5)
    check([(one.key, one.value) for one in pairs.pairs] == [(b"a", b"2"), (b"ab", b"3")], f"{pairs}")
    check(len(node.keys.List(keys.ListRequest(prefix=b"a", after=b"a"), timeout=5).pairs) == 1, "behind a key")
    ok(node.keys.Delete(keys.DeleteRequest(key=b"a"), timeout=5).outcome)
    changes = take(node.keys.Watch(keys.WatchRequest(prefix=b"a", after=first.index - 1), timeout=5), 4)
    check([one.WhichOneof("what") for one in changes] == ["put", "put", "put", "deleted"], f"{changes}")
    again = take(node.keys.Watch(keys.WatchRequest(prefix=b"a", after=changes[1].index), timeout=5), 2)
    check(again == changes[2:], "a watch that was taken up again")
    session = node.sessions.Open(keys.OpenSessionRequest(), timeout=5).session
    place = outcomes.WriteOptions(session=outcomes.SessionPlace(session=session, sequence=1))
    once = node.keys.Put(keys.PutRequest(key=b"s", value=b"1", write=place), timeout=5)
    twice = node.keys.Put(keys.PutRequest(key=b"s", value=b"1", write=place), timeout=5)
    ok(once.outcome)
    ok(twice.outcome, KIND["DUPLICATE"])
    ok(node.sessions.Keep(keys.KeepSessionRequest(session=session, acknowledged=1), timeout=5).outcome)
    ok(node.sessions.Close(keys.CloseSessionRequest(session=session), timeout=5).outcome)
    refused("a closed session", Status.FAILED_PRECONDITION, KIND["REFUSED"], None, RETRY["WHEN_STATE_CHANGES"],
            lambda: node.keys.Put(keys.PutRequest(key=b"s", value=b"1", write=place), timeout=5))
    for write in [outcomes.WriteOptions(copies=0), outcomes.WriteOptions(acks=9),
                  outcomes.WriteOptions(session=outcomes.SessionPlace(session=1))]:
        refused(f"{write}", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], None, RETRY["AFTER_FIXING"],
                lambda: node.keys.Put(keys.PutRequest(key=b"x", write=write), timeout=5))


def check_topics(node):
    key = ulid()
    first = node.topics.Publish(topics.PublishRequest(topic=b"news", payload=b"\xff1", key=key), timeout=5)
    ok(first.outcome)
    again = node.topics.Publish(topics.PublishRequest(topic=b"news", payload=b"\xff1", key=key), timeout=5)
    ok(again.outcome, KIND["DUPLICATE"])
    check(first.offset == again.offset == 0, "the first offset")
    for text in (b"2", b"3"):
        node.topics.Publish(topics.PublishRequest(topic=b"news", payload=text), timeout=5)
    refused("no topic", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "topic", RETRY["AFTER_FIXING"],
            lambda: node.topics.Publish(topics.PublishRequest(payload=b"1"), timeout=5))
    history = node.topics.History(topics.HistoryRequest(topic=b"news", limit=2), timeout=5)
    check([one.payload for one in history.messages] == [b"\xff1", b"2"] and history.next == 2, f"{history}")
    read = take(node.topics.Subscribe(topics.SubscribeRequest(topic=b"news", **{"from": 0}), timeout=5), 2)
    rest = take(node.topics.Subscribe(topics.SubscribeRequest(topic=b"news", **{"from": read[-1].offset + 1}), timeout=5), 1)
    check([one.payload for one in read + rest] == [b"\xff1", b"2", b"3"], "a subscription that was taken up again")
    check(list(node.topics.List(topics.ListTopicsRequest(), timeout=5).topics) == [b"news"], "the topics")
    ok(node.topics.Configure(topics.ConfigureTopicRequest(
        topic=b"news", settings=topics.TopicSettings(maximum_count=2, maximum_age_ms=60_000)), timeout=5).outcome)
    topic = node.topics.Get(topics.GetTopicRequest(topic=b"news"), timeout=5)
    check((topic.next, topic.settings.maximum_count, topic.settings.maximum_age_ms) == (3, 2, 60_000), f"{topic}")
    refused("an age without end", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "maximumAgeMs", RETRY["AFTER_FIXING"],
            lambda: node.topics.Configure(topics.ConfigureTopicRequest(
                topic=b"news", settings=topics.TopicSettings(maximum_age_ms=2**63)), timeout=5))
    missing = lambda: node.topics.GetPosition(topics.GetPositionRequest(topic=b"news", group=b"g"), timeout=5)
    refused("no position", Status.NOT_FOUND, KIND["NOT_FOUND"], None, RETRY["NO"], missing)
    ok(node.topics.CommitPosition(topics.CommitPositionRequest(topic=b"news", group=b"g", next=2), timeout=5).outcome)
    check(missing().next == 2, "the position of a group")
    refused("no such topic", Status.NOT_FOUND, KIND["NOT_FOUND"], None, RETRY["NO"],
            lambda: node.topics.History(topics.HistoryRequest(topic=b"none"), timeout=5))


def check_administration(cluster):
    leader = cluster.leader()
    for number, node in cluster.nodes.items():
        status = node.admin.Status(admin.StatusRequest(), timeout=5)
        check(status.node == f"n{number}" and status.leader == f"n{leader}", f"{status}")
        members = node.admin.Members(admin.MembersRequest(), timeout=5)
        check({one.address for one in members.members} == set(cluster.addresses.values()), f"{members}")
        check([one.node for one in members.members if one.is_leader] == [f"n{leader}"], f"{members}")
        found = node.admin.GetLeader(admin.GetLeaderRequest(), timeout=5).leader
        check(found.address == cluster.addresses[leader], f"the leader: {found}")
    node = cluster.nodes[leader]
    check(ok(node.admin.TakeSnapshot(admin.TakeSnapshotRequest(), timeout=10).outcome).index > 0, "a snapshot")
    change = lambda **one: lambda: node.admin.ChangeMembers(
        admin.ChangeMembersRequest(changes=[admin.MemberChange(**one)]), timeout=5)
    refused("who is a member", Status.FAILED_PRECONDITION, KIND["REFUSED"], "alreadyMember",
            RETRY["WHEN_STATE_CHANGES"], change(add=f"n{leader}"))
    refused("no name", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "node", RETRY["AFTER_FIXING"], change(add="four"))
    refused("no change", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "change", RETRY["AFTER_FIXING"], change())
    target = next(number for number in cluster.numbers if number != leader)
    moved = node.admin.TransferLeadership(admin.TransferLeadershipRequest(to=f"n{target}"), timeout=10)
    check(ok(moved.outcome).leader.address == cluster.addresses[target], f"{moved}")
    check(cluster.leader() == target, "who leads now")


def check_leader_hint(cluster):
    leader = cluster.leader()
    follower = cluster.nodes[cluster.followers()[0]]
    one = payment("bank", "bob", 3, ulid())
    hint = refused("a payment at a follower", Status.FAILED_PRECONDITION, KIND["NOT_LEADER"], None, RETRY["ELSEWHERE"],
                   lambda: submit(follower, one))
    check(hint.leader.address == cluster.addresses[leader], f"the hint: {hint}")
    ok(submit(Node(hint.leader.address), one).outcome)
    read = lambda kind: follower.payments.GetAccount(
        pay.GetAccountRequest(id="bob", read=outcomes.ReadOptions(read=kind)), timeout=5)
    check(read(outcomes.READ_FOLLOWER).freshness.node != f"n{leader}", "a read at a follower")
    check(read(outcomes.READ_STALE).freshness.HasField("age_ms"), "the age of a stale answer")
    refused("a read of no kind", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "read", RETRY["AFTER_FIXING"],
            lambda: read(77))


def check_log(cluster):
    leader = cluster.nodes[cluster.leader()]
    entries = list(leader.log.Tail(log.TailRequest(after=0, until_now=True), timeout=10))
    check([one.index for one in entries] == list(range(1, len(entries) + 1)), "a log without a gap")
    check(all(one.write_concern.is_exact and one.write_concern.copies >= 2 for one in entries), "who holds it")
    for number in cluster.followers():
        node = cluster.nodes[number]
        some = take(node.log.Tail(log.TailRequest(after=0), timeout=10), 3)
        rest = take(node.log.Tail(log.TailRequest(after=3), timeout=10), len(entries) - 3)
        same = [(one.index, one.term, one.kind, one.payload) for one in some + rest]
        check(same == [(one.index, one.term, one.kind, one.payload) for one in entries], f"the log of n{number}")
        check(not some[0].write_concern.is_exact and some[0].write_concern.copies == 2, "what a follower knows")
        hint = refused("who holds it all", Status.FAILED_PRECONDITION, KIND["NOT_LEADER"], None, RETRY["ELSEWHERE"],
                       lambda: list(node.log.Tail(log.TailRequest(after=0, copies=3), timeout=10)))
        check(hint.leader.address == leader.address, f"the hint: {hint}")
    held = take(leader.log.Tail(log.TailRequest(after=0, copies=3), timeout=10), len(entries))
    check(all(one.write_concern.copies == 3 for one in held), "what all hold")
    refused("more copies than nodes", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "copies", RETRY["AFTER_FIXING"],
            lambda: list(leader.log.Tail(log.TailRequest(after=0, copies=4), timeout=10)))


def check_hostile(node):
    for method, code in [("/flotilla.v1.Payments/Submit", Status.INVALID_ARGUMENT),
                         ("/flotilla.v1.Payments/Steal", Status.UNIMPLEMENTED), ("/x/y", Status.UNIMPLEMENTED)]:
        raw = node.channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
        try:
            raw(b"\xff\xff\xff\x07garbage", timeout=5)
            check(False, f"{method} took garbage")
        except grpc.RpcError as error:
            check(error.code() == code, f"{method}: {error}")
    refused("5 MiB", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "tooLarge", RETRY["AFTER_FIXING"],
            lambda: node.keys.Put(keys.PutRequest(key=b"big", value=bytes(5 << 20)), timeout=5))
    try:
        node.keys.Put(keys.PutRequest(key=b"big", value=bytes(20 << 20)), timeout=5)
        check(False, "20 MiB were taken")
    except grpc.RpcError as error:
        check(told(error) is None and error.code() != Status.OK, f"20 MiB: {error}")
    ok(node.keys.Put(keys.PutRequest(key=b"\xff\x00\n", value=b"\r\n"), timeout=5).outcome)
    strange = refused("a strange name", Status.INVALID_ARGUMENT, KIND["BAD_REQUEST"], "key", RETRY["AFTER_FIXING"],
                      lambda: submit(node, payment("a", "b", 1, "\u202e\n%ff")))
    check("\u202e" in strange.detail, "it is told as it was")


def check_majority(cluster):
    """Fewer copies than asked for, then no majority: unknown at first, then surely not done."""
    leader = cluster.leader()
    node = cluster.nodes[leader]
    others = cluster.followers()
    ok(submit(node, payment("bank", "bob", 1, ulid()), acks=outcomes.ACKNOWLEDGEMENT_ALL).outcome)
    cluster.kill(others[0])
    one = payment("bank", "bob", 1, ulid())
    less = None
    # On a busy machine the answer may come after our own deadline; the same key waits again.
    for _ in range(5):
        began = time.monotonic()
        try:
            less = submit(node, one, timeout=3, copies=3).outcome
            break
        except grpc.RpcError as error:
            check(told(error) is None and error.code() == Status.DEADLINE_EXCEEDED, f"fewer copies: {error}")
    check(less is not None, "fewer copies were never told")
    ok(less, KIND["UNDER_ACKNOWLEDGED"])
    check(2 < time.monotonic() - began < 3.5, "a deadline")
    check((less.copies, less.copies_asked, less.retry) == (2, 3, RETRY["WITH_THE_SAME_KEY"]), f"{less}")
    cluster.kill(others[1])
    lost = payment("bank", "bob", 1, ulid())
    unsure = refused("a payment without a majority", Status.DEADLINE_EXCEEDED, KIND["UNKNOWN"], None,
                     RETRY["WITH_THE_SAME_KEY"], lambda: submit(node, lost, timeout=5))
    check(unsure.key == lost.key, f"the key: {unsure}")

    def gone():
        try:
            submit(node, payment("bank", "bob", 1, ulid()), timeout=1)
        except grpc.RpcError as error:
            outcome = told(error)
            return outcome if outcome and outcome.kind == KIND["UNAVAILABLE"] else None
        return None
    away = until("unavailable", gone)
    check(away.retry == RETRY["YES"], f"{away}")
    check(not cluster.serving(leader), "it serves although nobody leads")
    for number in others:
        cluster.start(number)
    cluster.ready()
    settled = submit(cluster.nodes[cluster.leader()], lost)
    check(settled.outcome.kind in (KIND["OK"], KIND["DUPLICATE"]), f"settled: {settled}")
    before = settled.number
    ok(submit(cluster.nodes[cluster.leader()], lost).outcome, KIND["DUPLICATE"])
    check(submit(cluster.nodes[cluster.leader()], lost).number == before, "paid twice")


def check_access():
    """Tokens with roles, a rate, and TLS."""
    cluster = Cluster("guarded", 1, "--tls")
    try:
        cluster.run("cluster", "stop", "n1")
        tokens = {role: f"secret-{role}" for role in ("reader", "writer", "operator")}
        lines = ["tokens:"] + [
            f"  - {{ name: {role}, role: {role}, sha256: {hashlib.sha256(token.encode()).hexdigest()} }}"
            for role, token in tokens.items()] + ["rateLimit: { perSecond: 20, burst: 20 }", ""]
        with open(f"{cluster.folder}/cluster.yaml", "a") as file:
            file.write("\n".join(lines))
        cluster.start(1)
        root = pathlib.Path(f"{cluster.folder}/certs/ca.pem").read_bytes()
        node = Node(cluster.addresses[1], grpc.ssl_channel_credentials(root))
        cluster.nodes = {1: node}
        # Health wants no token.
        until("it serves", lambda: cluster.serving(1))
        put = lambda metadata: lambda: node.keys.Put(keys.PutRequest(key=b"a"), timeout=5, metadata=metadata)
        bearer = lambda token: [("authorization", f"Bearer {token}")]
        for words, reason, metadata in [("no token", "noToken", []), ("a wrong token", "unknownToken", bearer("x")),
                                        ("no bearer", "scheme", [("authorization", "Basic eDp5")])]:
            refused(words, Status.UNAUTHENTICATED, KIND["UNAUTHORIZED"], reason, RETRY["AFTER_FIXING"], put(metadata))
        refused("a reader's write", Status.PERMISSION_DENIED, KIND["FORBIDDEN"], "role", RETRY["AFTER_FIXING"],
                put(bearer(tokens["reader"])))
        refused("a writer's snapshot", Status.PERMISSION_DENIED, KIND["FORBIDDEN"], "role", RETRY["AFTER_FIXING"],
                lambda: node.admin.TakeSnapshot(admin.TakeSnapshotRequest(), metadata=bearer(tokens["writer"]), timeout=5))
        refused("a stream without a token", Status.UNAUTHENTICATED, KIND["UNAUTHORIZED"], "noToken",
                RETRY["AFTER_FIXING"], lambda: list(node.log.Tail(log.TailRequest(), timeout=5)))
        ok(put(bearer(tokens["writer"]))().outcome)
        ok(node.admin.TakeSnapshot(admin.TakeSnapshotRequest(), metadata=bearer(tokens["operator"]), timeout=5).outcome)

        def too_many(call):
            for _ in range(300):
                try:
                    call()
                except grpc.RpcError as error:
                    if error.code() == Status.RESOURCE_EXHAUSTED:
                        return error
            return None
        error = too_many(put(bearer(tokens["writer"])))
        outcome = told(error)
        check(outcome.kind == KIND["TOO_BUSY"] and outcome.retry == RETRY["LATER"], f"{outcome}")
        check(outcome.reason == "rateLimited" and outcome.retry_after_ms > 0, f"{outcome}")
        delay = error_details_pb2.RetryInfo()
        check(any(one.Unpack(delay) for one in rpc_status.from_call(error).details), "RetryInfo")
        time.sleep(outcome.retry_after_ms / 1000 + 0.05)
        ok(put(bearer(tokens["writer"]))().outcome)
        error = too_many(put(bearer("guess")))
        check(error is not None and told(error).reason == "refusedOften", "one may guess for ever")
        host, port = cluster.addresses[1].rsplit(":", 1)
        shown = lambda: ssl.get_server_certificate((host, int(port)))
        old = shown()
        done = subprocess.run([TOOL, "certs", "--config", f"{cluster.folder}/cluster.yaml", "--out",
                               f"{cluster.folder}/certs", "--renew"], capture_output=True, text=True)
        check(done.returncode == 0, f"certs: {done.stderr}")
        os.kill(int(pathlib.Path(f"{cluster.folder}/n1.pid").read_text()), signal.SIGHUP)
        until("the new certificate", lambda: shown() != old)
        plain = Node(cluster.addresses[1])
        try:
            plain.health.Check(health_pb2.HealthCheckRequest(), timeout=2)
            check(False, "TLS was not needed")
        except grpc.RpcError as error:
            check(error.code() in (Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED), f"without TLS: {error}")
    finally:
        cluster.end()


def check_page(cluster):
    """What the page for Python says works as it stands there."""
    page = (PROTOS.parents[2] / "Docs/HowTo/CallFromPython.md").read_text()
    blocks = [block.split("```")[0] for block in page.split("```python\n")[1:]]
    printed = []
    names = {"print": printed.append}
    # Asked of one that does not lead: the page has to find the leader itself.
    follower = cluster.addresses[cluster.followers()[0]]
    exec(blocks[0].replace("127.0.0.1:7401", follower), names)
    ok(printed[0])
    check(names["payments"].GetAccount(pay.GetAccountRequest(id="shop"), timeout=5).account.balance == 3000, "the bill")
    exec(blocks[1], names)
    try:
        names["payments"].GetAccount(pay.GetAccountRequest(id="none"), timeout=5)
    except grpc.RpcError as error:
        check(names["told"](error).kind == KIND["NOT_FOUND"], "what the page is told")
    try:
        submit(Node("127.0.0.1:1"), names["bill"], timeout=1)
    except grpc.RpcError as error:
        check(names["told"](error).retry == RETRY["WITH_THE_SAME_KEY"], "what the page is not told")


# Payments while leaders die.


class Payer(threading.Thread):
    """Pays, and follows what it is told until it knows what became of each payment."""

    def __init__(self, cluster, number, over):
        super().__init__(daemon=True)
        self.nodes = [Node(address) for address in cluster.addresses.values()]
        self.over = over
        self.name = f"p{number}"
        # Key, amount and number of what was acknowledged.
        self.paid = []
        self.retries = 0
        self.problem = None

    def run(self):
        try:
            while not self.over.is_set():
                amount = random.randint(1, 9)
                self.settle(payment("bank", self.name, amount, ulid()))
        except BaseException as problem:  # A thread tells nobody else.
            self.problem = problem

    def settle(self, one):
        node = random.choice(self.nodes)
        end = time.monotonic() + 30
        while True:
            if time.monotonic() > end:
                raise RuntimeError(f"{one.key} was never settled")
            try:
                reply = submit(node, one, timeout=1)
                self.paid.append((one.key, one.amount, reply.number))
                return
            except grpc.RpcError as error:
                self.retries += 1
                outcome = told(error)
                if outcome is None:
                    # The transport says so, or our own clock: it may have been done.
                    node = random.choice(self.nodes)
                elif outcome.retry == RETRY["ELSEWHERE"]:
                    node = next(other for other in self.nodes if other.address == outcome.leader.address)
                elif outcome.retry == RETRY["LATER"]:
                    time.sleep(outcome.retry_after_ms / 1000)
                elif outcome.retry in (RETRY["YES"], RETRY["WITH_THE_SAME_KEY"]):
                    node = random.choice(self.nodes)
                    time.sleep(0.02)
                else:
                    raise RuntimeError(f"{one.key}: {outcome}") from error


class Reader(threading.Thread):
    """Follows a stream through all nodes, from where it was."""

    def __init__(self, cluster, over, open_stream, place):
        super().__init__(daemon=True)
        self.nodes = [Node(address) for address in cluster.addresses.values()]
        self.over = over
        self.open_stream = open_stream
        self.place = place
        self.found = []
        self.resumed = 0

    def run(self):
        while not self.over.is_set():
            node = self.nodes[self.resumed % len(self.nodes)]
            self.resumed += 1
            with contextlib.suppress(grpc.RpcError):
                # A stream is taken up again now and then, though nothing is wrong with it.
                for one in self.open_stream(node, self.place(self.found[-1]) if self.found else 0):
                    self.found.append(one)


def check_failover(cluster, seconds=16):
    leader = cluster.nodes[cluster.leader()]
    payers_over, readers_over = threading.Event(), threading.Event()
    payers = [Payer(cluster, number, payers_over) for number in range(6)]
    opened = leader.payments.OpenAccounts(pay.OpenAccountsRequest(
        accounts=[pay.AccountOpening(id=one.name, currency="EUR") for one in payers]), timeout=5)
    ok(opened.outcome)
    first = leader.payments.List(pay.ListPaymentsRequest(limit=1), timeout=5).payments[0].number
    stream = Reader(cluster, readers_over, lambda node, after: node.payments.Stream(
        pay.StreamPaymentsRequest(after=max(after, first)), timeout=3), lambda one: one.number)
    tail = Reader(cluster, readers_over, lambda node, after: node.log.Tail(
        log.TailRequest(after=max(after, opened.outcome.index)), timeout=3), lambda one: one.index)
    for thread in [*payers, stream, tail]:
        thread.start()
    killed = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1.5)
        victim = cluster.leader()
        cluster.kill(victim)
        killed += 1
        time.sleep(1)
        cluster.start(victim)
        cluster.ready()
    payers_over.set()
    for payer in payers:
        payer.join(40)
        check(payer.problem is None and not payer.is_alive(), f"{payer.name}: {payer.problem}")
    node = cluster.nodes[cluster.leader()]
    records = []
    before = 0
    while not records or records[-1].number > first + 1:
        page = node.payments.List(pay.ListPaymentsRequest(before=before, limit=1_000), timeout=10)
        records += [one for one in page.payments if one.number > first]
        before = page.payments[-1].number
        if before <= first + 1 or page.is_complete:
            break
    made = {one.key: one for one in records}
    check(len(made) == len(records), "a key was paid twice")
    acknowledged = 0
    for payer in payers:
        for key, amount, number in payer.paid:
            acknowledged += 1
            check(key in made and (made[key].amount, made[key].number) == (amount, number), f"{key} was lost")
        balance = node.payments.GetAccount(pay.GetAccountRequest(id=payer.name), timeout=5).account.balance
        check(balance == sum(amount for _, amount, _ in payer.paid), f"the balance of {payer.name}")
    check(acknowledged == len(records), f"{acknowledged} acknowledged, {len(records)} made")
    check(node.payments.Audit(pay.AuditRequest(), timeout=5).is_balanced, "the audit")
    newest = records[0].number
    last = node.admin.Status(admin.StatusRequest(), timeout=5).commit_index
    until("the stream has all", lambda: stream.found and stream.found[-1].number >= newest)
    until("the log has all", lambda: tail.found and tail.found[-1].index >= last)
    readers_over.set()
    check([one.number for one in stream.found] == list(range(first + 1, stream.found[-1].number + 1)),
          "payments came twice or not at all")
    check([one.key for one in stream.found] == [made[one.key].key for one in stream.found], "other payments")
    start = opened.outcome.index + 1
    check([one.index for one in tail.found] == list(range(start, start + len(tail.found))), "a gap in the log")
    retries = sum(one.retries for one in payers)
    check(killed >= 3 and acknowledged > 100 and retries > 0, f"{killed} killed, {acknowledged} paid, {retries} retries")
    return f"{acknowledged} payments, {killed} leaders killed, {retries} calls made again," \
           f" {stream.resumed + tail.resumed} streams taken up"


def main():
    began = time.monotonic()
    cluster = Cluster("open", 3)
    try:
        cluster.ready()
        leader = cluster.nodes[cluster.leader()]
        check_health(cluster)
        check_payments(leader)
        check_payment_streams(cluster, leader)
        check_keys(leader)
        check_topics(leader)
        check_log(cluster)
        check_hostile(leader)
        check_administration(cluster)
        check_leader_hint(cluster)
        check_majority(cluster)
        check_page(cluster)
        words = check_failover(cluster)
    finally:
        cluster.end()
    check_access()
    names = sorted(outcomes.OutcomeKind.Name(kind).removeprefix("OUTCOME_KIND_") for kind in seen)
    # Nobody provokes a mistake of ours, or damage, from outside.
    missing = {value for name, value in KIND.items() if name not in ("UNSPECIFIED", "INTERNAL", "CORRUPT")} - seen
    check(not missing, f"never seen: {[outcomes.OutcomeKind.Name(kind) for kind in missing]}")
    print(f"grpc: {checks} checks, {len(names)} outcomes; {words}; {time.monotonic() - began:.0f} s")


main()
