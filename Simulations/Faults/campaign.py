#!/usr/bin/env python3
"""A campaign of real faults: processes, disks, clocks and networks that fail, and who watches.

  Simulations/Faults/run 60                     a minute, divided among all parts
  Simulations/Faults/run 600 --seed 7           ten minutes, with the faults of seed 7
  Simulations/Faults/run 60 --only processes    one part

What the clients asked for and were told is judged by `flotilla-sim check`, what was paid by the
audit of the ledger: nothing that was acknowledged may be lost, nothing may happen twice. A part for
which this machine lacks something is skipped, and says by name why. Exit code: 0 if nothing was
found, 1 if something was, 64 for a wrong option.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from clients import Client, History, KeyValueClient, Payer
from cluster import Cluster, Network, tmpfs, unmount, version

PARTS = ["processes", "disk", "network", "clocks", "rolling"]


class NotReady(Exception):
    """The cluster of a campaign does not begin."""

    def __init__(self, campaign):
        super().__init__(campaign.name)
        self.campaign = campaign


class Campaign:
    """One part: a cluster, its clients, its faults."""

    def __init__(self, name, folder, options, hosts=None):
        self.name, self.folder, self.options = name, folder, options
        self.random = random.Random("%d %s" % (options.seed, name))
        self.cluster = Cluster(folder / "cluster", options.flotilla, hosts=hosts, note=self.note)
        self.history = History()
        self.findings = []
        self.counts = {}
        self.seen = {}
        self.accounts = ["a%d" % k for k in range(8)]
        self.is_over = False
        self.started = time.monotonic()
        self.lock = threading.Lock()
        self.last_done = self.started
        self.longest = 0.0
        self.faults = 0
        self.clients = []

    def note(self, line):
        print("  %7.2f s  %s" % (time.monotonic() - self.started, line), flush=True)

    def finding(self, line):
        with self.lock:
            if line not in self.findings:
                self.findings.append(line)

    def note_done(self):
        """A write was acknowledged: how long was it since the last one?"""
        with self.lock:
            now = time.monotonic()
            self.longest = max(self.longest, now - self.last_done)
            self.last_done = now

    def begin(self):
        self.cluster.start()
        if not self.cluster.until_ready():
            self.finding("the cluster does not become ready within 60 s")
            self.cluster.end()
            self.findings += self.cluster.findings
            raise NotReady(self)
        self.started = self.last_done = time.monotonic()
        helper = Client(self, "setup", 0)
        for account in self.accounts:
            body = json.dumps({"id": account, "overdraft": "unlimited"}).encode()
            word, status, data = helper.settle("POST", "/v1/ledger/accounts", body, seconds=20)
            if word != "done" or status != 201:
                self.finding("account %s is not opened: %s %s" % (account, status, data[:200]))
        seed = self.options.seed * 1000
        self.clients = [KeyValueClient(self, "c%d" % k, seed + k) for k in range(6)]
        self.clients += [Payer(self, "p%d" % k, seed + 100 + k) for k in range(3)]
        for client in self.clients:
            client.start()

    def finish(self):
        """Heals, looks at what there is, and judges."""
        self.note("heal")
        self.cluster.heal()
        time.sleep(1)
        self.is_over = True
        for client in self.clients:
            client.join(30)
            if client.is_alive():
                self.finding("client %s does not end" % client.name)
            for word, count in client.counts.items():
                self.counts[word] = self.counts.get(word, 0) + count
        self.is_over = False
        self.read_all()
        self.audit()
        self.cluster.converge()
        self.check()
        self.cluster.end()
        self.findings += self.cluster.findings

    def read_all(self):
        """The last word on every key is part of the history."""
        reader = Client(self, "last", 1)
        for key in sorted(self.seen):
            call = time.monotonic_ns()
            word, status, data = reader.settle("GET", "/v1/kv/" + key, seconds=30)
            if word != "done":
                self.finding("%s cannot be read after everything was healed" % key)
                continue
            self.history.add({
                "client": "last", "call": call, "return": time.monotonic_ns(),
                "op": {"type": "get", "key": key},
                "result": {"status": "ok", "value": data.decode() if status == 200 else None}})

    def audit(self):
        """Every payment that was acknowledged is there once, and the sums are right."""
        asker = Payer(self, "audit", 2)
        balances = {account: 0 for account in self.accounts}

        def look_up(payments):
            looker = Payer(self, "audit", len(payments))
            for payment in payments:
                word, status, data = looker.settle(
                    "GET", "/v1/ledger/transfers?key=" + payment["key"], seconds=30)
                is_there = word == "done" and status == 200
                if word != "done":
                    self.finding("payment %s cannot be looked up" % payment["key"])
                if payment["fate"] == "paid" and not is_there:
                    self.finding("payment %s was acknowledged and is lost" % payment["key"])
                if payment["fate"] == "not done" and is_there:
                    self.finding("payment %s was told as not done, and is" % payment["key"])
                if payment["fate"].startswith("refused"):
                    self.finding("payment %s was %s" % (payment["key"], payment["fate"]))
                if is_there:
                    amount = int(payment["amount"])
                    with self.lock:
                        balances[payment["from"]] -= amount
                        balances[payment["to"]] += amount

        lookers = [
            threading.Thread(target=look_up, args=(client.payments,))
            for client in self.clients if isinstance(client, Payer)]
        for looker in lookers:
            looker.start()
        for looker in lookers:
            looker.join()
        for account, balance in balances.items():
            word, status, data = asker.settle(
                "GET", "/v1/ledger/accounts/" + account, seconds=30)
            if word != "done" or status != 200:
                self.finding("account %s cannot be read" % account)
            elif int(json.loads(data)["balance"]) != balance:
                self.finding("account %s holds %s and should hold %d: something was paid twice"
                             " or lost" % (account, json.loads(data)["balance"], balance))
        word, status, data = asker.settle("GET", "/v1/ledger/audit", seconds=30)
        if word != "done" or not json.loads(data)["isBalanced"]:
            self.finding("the ledger does not balance: %s" % data[:300])

    def check(self):
        path = self.folder / "history.jsonl"
        self.history.write(path)
        done = subprocess.run(
            [self.options.simulator, "check", "--model", "kv", "--missing", "null", "--timeout",
             "120s", str(path)], capture_output=True, text=True, check=False)
        if done.returncode == 2:
            self.finding("the checker came to no verdict:\n" + done.stdout[-2000:])
        elif done.returncode != 0:
            self.finding("the history is not linearizable (%d):\n%s%s" % (
                done.returncode, done.stdout[-4000:], done.stderr[-2000:]))

    # Faults of processes, and those that nodes bring about in themselves

    def victim(self):
        """The leader, often; otherwise anybody."""
        leader = self.cluster.leader() if self.random.random() < 0.6 else None
        return leader or self.random.choice(self.cluster.nodes)

    def peers(self, node):
        return [other.name for other in self.cluster.nodes if other is not node]

    def kill(self, seconds):
        node = self.victim()
        self.note("kill -9 %s" % node.name)
        node.kill()
        time.sleep(seconds)
        node.start()

    def storm(self, seconds):
        node = self.victim()
        self.note("kill -9 %s again and again" % node.name)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            node.kill()
            node.start()
            time.sleep(self.random.uniform(0.05, 0.6))

    def power_cut(self, seconds):
        self.note("kill -9 all")
        for node in self.cluster.nodes:
            node.kill()
        time.sleep(min(seconds, 0.5))
        for node in self.cluster.nodes:
            node.start()
        time.sleep(seconds)

    def freeze(self, seconds):
        node = self.victim()
        self.note("SIGSTOP %s for %.1f s" % (node.name, seconds))
        node.pause()
        time.sleep(seconds)
        node.resume()

    def restart(self, seconds):
        node = self.victim()
        self.note("SIGTERM %s" % node.name)
        node.stop()
        node.start()
        time.sleep(seconds / 2)

    def purposely(self, words, fault, seconds, node=None, **more):
        node = node or self.victim()
        self.note("%s: %s for %.1f s" % (node.name, words, seconds))
        self.cluster.chaos(node, fault, seconds, **more)
        return node

    def isolate(self, seconds):
        node = self.victim()
        for other in self.cluster.nodes:
            if other is not node:
                self.cluster.chaos(other, "block", seconds, peers=[node.name])
        self.purposely("isolated", "block", seconds, node, peers=self.peers(node))
        time.sleep(seconds)

    def one_way(self, seconds):
        way = self.random.choice(["outgoing", "incoming"])
        self.purposely("nothing " + way, "block", seconds, direction=way)
        time.sleep(seconds)

    def lossy(self, seconds):
        for node in self.cluster.nodes:
            self.purposely("20 % lost", "loss", seconds, node, share="20%")
        time.sleep(seconds)

    def late(self, seconds):
        self.purposely("150 ms late", "delay", seconds, by="150ms")
        time.sleep(seconds)

    def skew(self, seconds):
        amount = self.random.choice(["+3s", "-3s", "+20s", "-20s"])
        self.purposely("clock %s" % amount, "skew", seconds, by=amount)
        time.sleep(seconds)

    def slow_disk(self, seconds):
        self.purposely("each sync 100 ms longer", "disk", seconds, how="slow", by="100ms")
        time.sleep(seconds)

    def sync_error(self, seconds):
        node = self.victim()
        node.expected.add(74)
        self.purposely("sync fails", "disk", 60, node, how="sync-error")
        end = time.monotonic() + 5
        while node.is_running() and time.monotonic() < end:
            time.sleep(0.05)
        if node.is_running():
            self.note("%s has had nothing to sync" % node.name)
            self.cluster.ask(node, "DELETE", "/v1/chaos")
        else:
            time.sleep(seconds)
            node.check()
            node.start()

    def transfer(self, seconds):
        leader = self.cluster.leader()
        if leader:
            self.note("%s hands leadership over" % leader.name)
            self.cluster.ask(leader, "POST", "/v1/leader/transfer", {}, timeout=5)
        time.sleep(seconds / 4)

    def snapshot(self, seconds):
        node = self.victim()
        self.note("%s takes a snapshot, and is killed" % node.name)
        threading.Thread(
            target=self.cluster.ask, args=(node, "POST", "/v1/snapshot", {}), daemon=True).start()
        time.sleep(self.random.uniform(0, 0.05))
        node.kill()
        node.start()
        time.sleep(seconds / 2)

    def until(self, seconds, faults):
        """One fault after the other, with some peace between them."""
        end = time.monotonic() + seconds
        order = []
        while time.monotonic() < end:
            if not order:
                order = list(faults)
                self.random.shuffle(order)
            fault = order.pop()
            fault(self.random.uniform(0.4, 3.0))
            self.faults += 1
            for node in self.cluster.nodes:
                node.check()
                node.start()
            time.sleep(self.random.uniform(0.2, 1.5))


def processes(options, folder, seconds):
    campaign = Campaign("processes", folder, options)
    campaign.begin()
    c = campaign
    c.until(seconds, [c.kill, c.kill, c.storm, c.power_cut, c.freeze, c.restart, c.isolate,
                      c.one_way, c.lossy, c.late, c.skew, c.slow_disk, c.sync_error, c.transfer,
                      c.snapshot])
    campaign.finish()
    return campaign


def disk(options, folder, seconds):
    """A file system with room for a few segments, filled up and emptied again."""
    campaign = Campaign("disk", folder, options)
    mounts = []
    try:
        for node in campaign.cluster.nodes:
            problem = tmpfs(node.directory, 400)
            if problem:
                print("  skipped: small file systems (%s)" % problem)
                return None
            mounts.append(node.directory)
        campaign.begin()

        def fill(seconds):
            node = campaign.victim()
            campaign.note("the disk of %s is full for %.1f s" % (node.name, seconds))
            filler = node.directory / "filler"
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * (1 << 20))
                except OSError:
                    pass
            # A quick kill at the worst time.
            if campaign.random.random() < 0.4:
                time.sleep(seconds / 2)
                campaign.note("kill -9 %s, whose disk is full" % node.name)
                node.kill()
                node.start()
            time.sleep(seconds)
            filler.unlink()

        def fill_by_wish(seconds):
            campaign.purposely("no room on the disk", "disk", seconds, how="full")
            time.sleep(seconds)

        def load(seconds):
            """Enough to want new segments."""
            campaign.note("large values for %.1f s" % seconds)
            writer = Client(campaign, "large", 9)
            end = time.monotonic() + seconds
            value = os.urandom(1 << 20)
            while time.monotonic() < end:
                writer.attempt("PUT", "/v1/kv/large?timeout=2s", value)

        campaign.until(seconds, [fill, load, fill_by_wish, load, campaign.slow_disk])
        campaign.finish()
    finally:
        campaign.cluster.end()
        for mount in mounts:
            unmount(mount)
    return campaign


def clocks(options, folder, seconds):
    """Processes whose clock on the wall is moved by libfaketime."""
    library = next(
        (str(p) for d in ("/usr/lib", "/usr/local/lib", "/opt")
         for p in pathlib.Path(d).glob("**/faketime/libfaketimeMT.so.1")), None)
    if library is None:
        print("  skipped: clock offsets (no libfaketime; Debian: apt-get install libfaketime)")
        return None
    campaign = Campaign("clocks", folder, options)

    def wish(node, offset):
        path = campaign.folder / ("clock-" + node.name)
        draft = path.with_suffix(".draft")
        draft.write_text(offset + "\n")
        draft.rename(path)
        return path

    for node in campaign.cluster.nodes:
        # With the library in its way from the start, a Swift program does not find its arguments.
        node.prefix = ["env"]
        node.environment = {
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(wish(node, "+0s")),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1"}
    campaign.begin()

    def move(seconds):
        node = campaign.victim()
        offset = campaign.random.choice(["+5s", "-5s", "+45s", "-45s", "+3600s", "-3600s"])
        # Nodes whose clocks are far apart do not believe each other: a majority must agree.
        for other in campaign.cluster.nodes:
            wish(other, offset if other is node else "+0s")
        campaign.note("the clock of %s is moved by %s" % (node.name, offset))
        time.sleep(seconds)
        if campaign.random.random() < 0.7:
            wish(node, "+0s")

    def all_set_back(seconds):
        offset = campaign.random.choice(["+5s", "+3600s"])
        campaign.note("all clocks are moved by %s for a moment" % offset)
        for node in campaign.cluster.nodes:
            wish(node, offset)
        time.sleep(min(seconds, 2))
        for node in campaign.cluster.nodes:
            wish(node, "+0s")
        time.sleep(seconds)

    campaign.until(
        seconds, [move, move, campaign.kill, move, campaign.transfer, all_set_back])
    for node in campaign.cluster.nodes:
        wish(node, "+0s")
    campaign.finish()
    return campaign


def rolling(options, folder, seconds):
    """Every node is restarted in turn, again and again: no request may fail."""
    campaign = Campaign("rolling", folder, options)
    campaign.begin()
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        for node in campaign.cluster.nodes:
            campaign.note("SIGTERM %s, then start" % node.name)
            node.stop()
            node.start()
            campaign.faults += 1
            if not campaign.cluster.until_ready():
                campaign.finding("%s does not become ready again within 60 s" % node.name)
        rounds += 1
    campaign.finish()
    for word in ["unknown", "surely not done", "reads without an answer", "payments open"]:
        if campaign.counts.get(word):
            campaign.finding("in a rolling restart %d requests failed: %s" % (
                campaign.counts[word], word))
    return campaign


def network(options, folder, seconds):
    """Hosts in network namespaces, whose cables are pulled."""
    # Run again inside of the hub, where every host can be reached.
    net = Network(3)
    problem = net.up()
    if problem:
        print("  skipped: network namespaces (%s)" % problem)
        return None
    try:
        words = [sys.executable, __file__, str(seconds), "--only", "inside-network", "--seed",
                 str(options.seed), "--keep", str(folder), "--mark", net.mark]
        done = subprocess.run(
            net.prefix(0) + words, check=False,
            env={**os.environ, "FLOTILLA": options.flotilla, "FLOTILLA_SIM": options.simulator})
        return done.returncode == 0
    finally:
        net.down()


def inside_network(options, folder, seconds):
    net = Network(3)
    net.mark = options.mark
    net.spaces = ["%s-%d" % (net.mark, k) for k in range(4)]
    campaign = Campaign("network", folder, options, hosts=net.hosts)
    for node in campaign.cluster.nodes:
        node.prefix = net.prefix(node.number)
    campaign.begin()

    def pull(seconds):
        node = campaign.victim()
        campaign.note("the cable of %s is pulled for %.1f s" % (node.name, seconds))
        net.link(node.number, False)
        time.sleep(seconds)
        net.link(node.number, True)

    def flap(seconds):
        node = campaign.victim()
        campaign.note("the cable of %s is loose for %.1f s" % (node.name, seconds))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            net.link(node.number, False)
            time.sleep(campaign.random.uniform(0.02, 0.4))
            net.link(node.number, True)
            time.sleep(campaign.random.uniform(0.02, 0.4))

    def one_way(seconds):
        node = campaign.victim()
        campaign.note("nothing gets from %s to its peers for %.1f s" % (node.name, seconds))
        others = [other.number for other in campaign.cluster.nodes if other is not node]
        for other in others:
            net.deafen(node.number, other)
        time.sleep(seconds)
        for other in others:
            net.deafen(node.number, other, False)

    def partial(seconds):
        first, second = campaign.random.sample(campaign.cluster.nodes, 2)
        campaign.note("%s and %s do not reach each other for %.1f s" % (
            first.name, second.name, seconds))
        net.deafen(first.number, second.number)
        net.deafen(second.number, first.number)
        time.sleep(seconds)
        net.deafen(first.number, second.number, False)
        net.deafen(second.number, first.number, False)

    faults = [pull, flap, one_way, partial, campaign.kill]
    problem = net.can_shape()
    if problem:
        print("  skipped: loss, delay and duplication by netem (%s)" % problem)
    else:
        def shaped(*words):
            def fault(seconds):
                node = campaign.victim()
                campaign.note("%s: netem %s for %.1f s" % (node.name, " ".join(words), seconds))
                net.shape(node.number, *words)
                time.sleep(seconds)
                net.unshape(node.number)
            return fault
        faults += [shaped("loss", "20%"), shaped("delay", "80ms", "40ms"),
                   shaped("duplicate", "20%"), shaped("delay", "20ms", "reorder", "30%")]
    campaign.until(seconds, faults)
    campaign.finish()
    return campaign


def report(campaign, seconds):
    """One part's verdict, in a few lines; whether nothing was found."""
    counts = ", ".join("%d %s" % (count, word) for word, count in sorted(campaign.counts.items()))
    print("  %d faults in %.0f s; %s" % (campaign.faults, seconds, counts))
    print("  the longest time without an acknowledged write: %.2f s" % campaign.longest)
    for finding in campaign.findings:
        print("  FOUND  " + finding)
    if campaign.findings:
        print("  kept: %s" % campaign.folder)
    if not campaign.findings and not campaign.counts.get("operations"):
        print("  FOUND  no operation was done at all")
        return False
    return not campaign.findings


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=PARTS + ["inside-network"])
    parser.add_argument("--keep", help="a folder for what is written, kept in any case")
    parser.add_argument("--mark", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.flotilla = os.environ["FLOTILLA"]
    options.simulator = os.environ["FLOTILLA_SIM"]
    parts = options.only or PARTS
    share = options.seconds / len(parts)
    base = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="flotilla-faults-"))
    base.mkdir(parents=True, exist_ok=True)
    if options.only != ["inside-network"]:
        print("%s; seed %d, %.0f s for each of %s" % (
            version(options.flotilla), options.seed, share, ", ".join(parts)))
    is_well = True
    for part in parts:
        print("%s" % part.replace("-", " "), flush=True)
        started = time.monotonic()
        try:
            result = globals()[part.replace("-", "_")](options, base / part, share)
        except NotReady as problem:
            result = problem.campaign
        if isinstance(result, Campaign):
            result = report(result, time.monotonic() - started)
        is_well = is_well and result is not False
    if is_well and not options.keep:
        shutil.rmtree(base, ignore_errors=True)
    if options.only != ["inside-network"]:
        print("nothing found" if is_well else "something was found; see FOUND above")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
