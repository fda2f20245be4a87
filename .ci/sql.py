"""Asks the ledger of a real cluster in SQL, and copies it to a real PostgreSQL: see .ci/sql."""

import contextlib
import csv
import glob
import hashlib
import io
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

TOOL = sys.argv[1]
SEED = int(os.environ.get("FLOTILLA_CI_SEED", "1"))
TABLES = {"projection": "schema_version", "accounts": "position", "transfers": "number", "entries": "log_index"}

# Whoever opens an account chooses its name; 32 digits are 16 bytes of any kind.
HOSTILE = ["o'hara", 'quo"ted', "\\N", "\\.", "a,b;c", "$$", "müller", "a\tb", "a\nb", "\r", "$1{x}%s",
           "610062ff80c32827000a000900000001", "00000000000000000000000000000007"]

checks = 0
began = time.monotonic()


def check(holds, words):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"sql: {words}")


def said(words):
    print(f"  {time.monotonic() - began:5.1f} s  {words}", flush=True)


def flotilla(*arguments, code=0, text=True):
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=text)
    check(done.returncode == code, f"{arguments}: exit {done.returncode}, not {code}: {done.stderr}")
    return done


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.first = self.free()
        flotilla("cluster", "up", "--nodes", "3", "--data", folder, "--first-port", str(self.first), "--detach")

    @staticmethod
    def free():
        for first in range(24_000 + os.getpid() % 5000, 32_000, 7):
            with contextlib.ExitStack() as stack:
                try:
                    for port in [first + gap + node for gap in (0, 100, 200) for node in (1, 2, 3)]:
                        stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                    return first
                except OSError:
                    continue
        raise SystemExit("sql: no ports are free")

    def ask(self, target, body=None):
        """The document of the first node that has one."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for node in (1, 2, 3):
                request = urllib.request.Request(
                    f"http://127.0.0.1:{self.first + node}{target}",
                    data=json.dumps(body).encode() if body else None)
                try:
                    with urllib.request.urlopen(request, timeout=5) as answer:
                        return json.load(answer)
                except urllib.error.HTTPError as error:
                    if error.code not in (307, 503, 504):
                        return json.load(error)
                except OSError:
                    pass
            time.sleep(0.1)
        raise SystemExit(f"sql: no node answers {target}")

    def ledger(self, *arguments, **options):
        return flotilla("ledger", *arguments, "--data", self.folder, **options)

    def down(self):
        flotilla("cluster", "down", "--data", self.folder)

    def end(self):
        subprocess.run([TOOL, "cluster", "down", "--data", self.folder], capture_output=True)


class Payers:
    """Draws accounts and transfers of all kinds, one batch after the other."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.random = random.Random(SEED)
        self.names = ["alice", "bob", "carol"] + HOSTILE
        openings = [{"id": name, "currency": "EUR", "overdraft": "unlimited"} for name in self.names]
        openings += [{"id": "yen", "currency": "JPY", "digits": "0"}]
        cluster.ask("/v1/ledger/accounts", {"accounts": openings})
        self.count = 1

    def batch(self):
        draw = self.random
        transfers = []
        for _ in range(1 + draw.randrange(12)):
            kind = draw.choice(["transfer"] * 4 + ["hold"] * 3 + ["capture", "void", "refund"])
            if kind in ("transfer", "hold"):
                one = {"kind": kind, "from": draw.choice(self.names), "to": draw.choice(self.names),
                       "amount": str(draw.randrange(1, 10_000))}
                if kind == "hold" and draw.randrange(2):
                    one["timeoutMs"] = str(draw.randrange(1, 3000))
            else:
                one = {"kind": kind, "of": str(draw.randrange(1, self.count + 5))}
                if kind != "void":
                    one["amount"] = str(draw.randrange(1, 500))
            one["note"] = str(draw.choice([0, 7, 2**64 - 1]))
            transfers.append(one)
        answer = self.cluster.ask("/v1/ledger/transfers/batch", {"transfers": transfers})
        for result in answer.get("results", []):
            if "number" in result:
                self.count = max(self.count, int(result["number"]))


def rows(path):
    """All that is in a file."""
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as file:
        check(file.execute("PRAGMA integrity_check").fetchall() == [("ok",)], f"{path} is damaged")
        return {name: file.execute(f"SELECT * FROM {name} ORDER BY {key}").fetchall()
                for name, key in TABLES.items()}


def question(path, text):
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as file:
        return file.execute(text).fetchall()


def index(path):
    return question(path, "SELECT log_index FROM projection")[0][0]


def balanced(path):
    sums = question(path, "SELECT sum FROM zero_sums")
    check(sums and all(one == (0,) for one in sums), f"sums that must be zero: {sums}")


def compared_with_http(cluster, path):
    """Accounts and the newest transfers, as the interface tells them as of the same entry."""
    at = index(path)
    listed = cluster.ask("/v1/ledger/accounts?limit=1000")
    check(listed["index"] == str(at), f"nobody pays now: {listed['index']} and {at}")
    found = question(path, "SELECT b.account, b.currency, b.balance, b.held_out, b.held_in FROM balances AS b "
                     "JOIN accounts AS a ON a.id = b.account ORDER BY a.position")
    told = [(one["account"], one["currency"], int(one["balance"]), int(one["pendingDebits"]),
             int(one["pendingCredits"])) for one in listed["accounts"]]
    check(found == told, f"accounts: {found} and {told}")
    listed = cluster.ask("/v1/ledger/transfers?limit=10000")["transfers"]
    told = sorted((int(one["number"]), one["kind"], one["from"], one["to"], int(one["amount"]),
                   int(one["settled"]), one.get("state"), int(one["index"]), int(one["timeNs"]),
                   int(one.get("of", 0)) or None) for one in listed)
    found = question(path, "SELECT number, kind, debit, credit, amount, settled, state, log_index, time_ns, reference"
                     " FROM transfers ORDER BY number")
    check(found == told, "transfers are those of the interface")
    return len(told)


def statements(cluster, path):
    """What the command prints, in all forms."""
    text = "SELECT id, id_bytes, overdraft, code FROM accounts ORDER BY position"
    want = question(path, text)
    printed = cluster.ledger("sql", text, "--csv", text=False).stdout.decode()
    got = list(csv.reader(io.StringIO(printed, newline="")))
    check(got[0] == ["id", "id_bytes", "overdraft", "code"], "the names of the columns")
    plain = [[one[0], "\\x" + one[1].hex(), "" if one[2] is None else str(one[2]), str(one[3])] for one in want]
    check(got[1:] == plain, f"CSV: {got[1:]} and {plain}")
    document = json.loads(cluster.ledger("sql", "SELECT count(*), NULL, 1.5 FROM accounts", "--format", "json").stdout)
    check(document["rows"] == [[str(len(want)), None, 1.5]], f"a document: {document}")
    lines = cluster.ledger("sql", text, "--format", "jsonl").stdout.splitlines()
    check([json.loads(line)["row"]["id"] for line in lines] == [one[0] for one in want], "lines of documents")
    table = cluster.ledger("sql", "SELECT 'a' || char(27) || '[2J' || char(10) AS text").stdout
    check("\x1b" not in table and "\\n" in table, "a table does not move the cursor")
    for writing in ["DELETE FROM accounts", "VACUUM INTO 'x'", "ATTACH 'x' AS y"]:
        refused = cluster.ledger("sql", writing, "--file", path, code=64).stderr
        check("only statements that read" in refused, refused)
    cluster.ledger("sql", "SELEC", code=64)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
    cluster.ledger("sql", endless, "--timeout", "1s", code=2)
    asking = subprocess.Popen([TOOL, "ledger", "sql", endless, "--data", cluster.folder],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    asking.send_signal(signal.SIGINT)
    check(asking.wait(timeout=10) == 130, f"Ctrl-C ends with 130, not {asking.returncode}")
    long = ["sql", "SELECT hex(zeroblob(400000000))", "--file", path, "--as-is", "--csv"]
    check("16 MiB" in cluster.ledger(*long, code=64).stderr, "a value has a greatest length")
    rows_without_end = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    for form in ["--csv"], ["--format", "json"], ["--format", "jsonl"], []:
        began_now = time.monotonic()
        cluster.ledger("sql", rows_without_end, "--file", path, "--as-is", "--timeout", "1s", *form, code=2)
        check(time.monotonic() - began_now < 6, f"{form}: rows without end are stopped")
    two = cluster.ledger("sql", "SELECT 1; DROP TABLE accounts", "--file", path, "--as-is", code=64).stderr
    check("one statement at a time" in two, two)


def damaged(cluster, path, folder):
    """A file that is cut off is replaced by --rebuild, and one of somebody else's is not."""
    torn = pathlib.Path(f"{folder}/torn.sqlite")
    whole = pathlib.Path(path).read_bytes()
    torn.write_bytes(whole[:len(whole) // 2])
    for again in ["export", str(torn)], ["sql", "SELECT 1", "--file", str(torn), "--as-is"]:
        said_so = cluster.ledger(*again, code=65).stderr
        check("malformed" in said_so and "--rebuild" in said_so, said_so)
    cluster.ledger("export", str(torn), "--rebuild")
    cluster.ledger("export", path)
    check(rows(str(torn)) == rows(path), "a file that was damaged is made anew")
    other = bytearray(whole[:len(whole) // 2])
    other[68:72] = bytes(4)
    torn.write_bytes(other)
    cluster.ledger("export", str(torn), "--rebuild", code=73)
    check(torn.read_bytes() == bytes(other), "a file of somebody else's stays")
    for place, reason in ((f"{folder}/none.sqlite", "does not exist"), (folder, "is a folder"),
                          (f"{folder}/none/x.sqlite", "the folder")):
        refused = cluster.ledger("sql", "SELECT 1", "--file", place, "--as-is", code=65).stderr
        check(reason in refused, refused)


def killed(cluster, payers, folder):
    """Followers die at any moment while payments are made; what they leave is the ledger as of an entry."""
    path = f"{folder}/followed.sqlite"
    stop = threading.Event()

    def pay():
        while not stop.is_set():
            payers.batch()

    paying = threading.Thread(target=pay)
    paying.start()
    positions = []
    try:
        for _ in range(8):
            follower = subprocess.Popen(
                [TOOL, "ledger", "follow", path, "--every", "1ms", "--data", cluster.folder],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            # Once something was written, or while it is.
            if payers.random.randrange(4):
                follower.stdout.readline()
                time.sleep(payers.random.random() * 0.2)
            else:
                time.sleep(payers.random.random())
            follower.kill()
            follower.communicate()
            if not os.path.exists(path) or not question(path, "SELECT name FROM sqlite_master"):
                continue
            rows(path)
            at = question(path, "SELECT log_index FROM projection")
            if not at:
                continue
            positions.append(at[0][0])
            balanced(path)
            told = cluster.ask(f"/v1/ledger/audit?at={at[0][0]}")["currencies"]
            found = question(path, "SELECT currency, posted_debits, pending_debits FROM currencies"
                             " ORDER BY currency_number")
            check(found == [(one["currency"], int(one["debits"]), int(one["pendingDebits"])) for one in told],
                  f"the sums as of entry {at}")
    finally:
        stop.set()
        paying.join()
    check(len(set(positions)) > 3 and positions == sorted(positions), f"entries: {positions}")
    # Holds expire by themselves; then nobody changes anything.
    time.sleep(3.2)
    cluster.ledger("export", path)
    cluster.ledger("export", f"{folder}/anew.sqlite")
    check(rows(path) == rows(f"{folder}/anew.sqlite"), "caught up is the same as made anew")
    return positions


def fingerprint(folder):
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(folder).rglob("*")):
        digest.update(str(path).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def offline(cluster, folder, kept):
    """From the files of a node that was stopped, as of entries whose rows are known."""
    node = f"{cluster.folder}/n1"
    before = fingerprint(node)
    at_end = f"{folder}/offline.sqlite"
    flotilla("ledger", "export", at_end, "--data-dir", node)
    balanced(at_end)
    for at, known in kept.items():
        path = f"{folder}/offline-{at}.sqlite"
        flotilla("ledger", "export", path, "--data-dir", node, "--at", str(at))
        found = rows(path)
        if question(path, "SELECT digest FROM projection") == [(None,)]:
            # Before their snapshot the files are told as a cluster is.
            found["projection"] = known["projection"]
        check(found == known, f"the files tell entry {at} as the cluster did")
    flotilla("ledger", "export", f"{folder}/never.sqlite", "--data-dir", node, "--at", "99999999", code=10)
    flotilla("ledger", "export", f"{folder}/never.sqlite", "--data-dir", folder, code=65)
    check(fingerprint(node) == before, "the files of the node are as they were")
    shutil.copytree(node, f"{folder}/copy")
    flotilla("ledger", "sql", "SELECT * FROM currencies", "--data-dir", f"{folder}/copy")
    return at_end


class Postgres:
    """A server of our own, on a socket in our own folder."""

    def __init__(self, folder):
        self.binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.folder = f"{folder}/postgres"
        os.mkdir(self.folder)
        self.data = f"{self.folder}/data"
        # A server refuses to run as root.
        self.user = None
        if os.geteuid() == 0:
            self.user = "postgres"
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            os.chmod(folder, 0o755)
        self.run(f"{self.binaries}/initdb", "-D", self.data, "-U", "flotilla", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync")
        self.run(f"{self.binaries}/pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o",
                 f"-c listen_addresses= -k {self.folder} -c fsync=off", "start")

    def run(self, *arguments):
        prefix = ["runuser", "-u", self.user, "--"] if self.user else []
        done = subprocess.run([*prefix, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, cwd="/")
        check(done.returncode == 0, f"{arguments}: {done.stderr}")

    def psql(self, script, code=0):
        done = subprocess.run(["psql", "-h", self.folder, "-U", "flotilla", "-d", "postgres", "-X", "-q", "-A", "-t"],
                              input=script, capture_output=True)
        check(code is None or done.returncode == code, f"psql: exit {done.returncode}, not {code}: {done.stderr[:500]}")
        return done

    def table(self, name, key):
        printed = self.psql(f"COPY (SELECT * FROM flotilla.{name} ORDER BY {key}) TO STDOUT (FORMAT csv,"
                            " NULL 'no value')".encode()).stdout.decode()
        return list(csv.reader(io.StringIO(printed, newline="")))

    def tables(self):
        return {name: self.table(name, key) for name, key in TABLES.items()}

    def end(self):
        with contextlib.suppress(SystemExit):
            self.run(f"{self.binaries}/pg_ctl", "-D", self.data, "-m", "immediate", "stop")


def plain(value):
    if value is None:
        return "no value"
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


def in_postgres(server, paths):
    """Each script puts its rows in the place of those before; what fails leaves them."""
    for path in paths + paths[-1:]:
        script = flotilla("ledger", "copy", "--file", path, "--as-is", text=False).stdout
        server.psql(script)
        want = {name: [[plain(value) for value in row] for row in found] for name, found in rows(path).items()}
        check(server.tables() == want, f"PostgreSQL has the rows of {path}")
        sums = server.psql(b"SELECT sum FROM flotilla.zero_sums").stdout.split()
        check(sums and set(sums) == {b"0"}, f"sums that must be zero: {sums}")
        text = "SELECT currency, posted_debits, pending_debits FROM {}currencies ORDER BY currency_number"
        found = server.psql(text.format("flotilla.").encode()).stdout.decode().split()
        check(found == ["|".join(plain(value) for value in row) for row in question(path, text.format(""))],
              "the sums are those of SQLite")
    server.psql(script[:len(script) * 2 // 3], code=None)
    check(server.tables() == want, "a script that was cut off changes nothing")
    server.psql(b"UPDATE flotilla.projection SET cluster = 'another'")
    server.psql(script, code=3)
    check(server.table("projection", "1")[0][1] == "another", "the ledger of another cluster stays")
    named = flotilla("ledger", "copy", "--file", paths[0], "--as-is", "--schema", 'a "b";', text=False).stdout
    server.psql(named)
    check(server.psql(b'SELECT count(*) FROM "a ""b"";".accounts').stdout.strip() != b"0", "a schema of any name")


def main():
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="flotilla-sql-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = Cluster(f"{folder}/c")
        stack.callback(cluster.end)
        payers = Payers(cluster)
        kept = {}
        path = f"{folder}/ledger.sqlite"
        for _ in range(3):
            for _ in range(10):
                payers.batch()
            cluster.ledger("export", path)
            balanced(path)
            kept[index(path)] = rows(path)
            if len(kept) == 2:
                # From now on the files of this node begin here.
                flotilla("snapshot", "--endpoints", f"127.0.0.1:{cluster.first + 1}")
        # Holds expire by themselves; then nobody changes anything.
        time.sleep(3.2)
        cluster.ledger("export", path)
        transfers = compared_with_http(cluster, path)
        said(f"{transfers} transfers in SQLite are those of the interface")
        statements(cluster, path)
        said("statements: table, CSV, documents; refused, stopped by time and by Ctrl-C")
        damaged(cluster, path, folder)
        said("damaged files: told, and made anew")
        early = sorted(kept)[1]
        cluster.ledger("export", f"{folder}/early.sqlite", "--at", str(early))
        found = rows(f"{folder}/early.sqlite")
        check(all(found[name] == kept[early][name] for name in ("accounts", "transfers", "entries")),
              "a cluster tells an earlier entry as it was")
        cluster.ledger("export", path, "--at", str(early), code=73)
        positions = killed(cluster, payers, folder)
        said(f"followers killed at entries {positions}")
        cluster.ledger("export", path)
        kept[index(path)] = rows(path)
        cluster.down()
        flotilla("ledger", "sql", "SELECT 1", "--data", cluster.folder, "--timeout", "1s", code=69)
        asked = flotilla("ledger", "sql", "SELECT log_index FROM projection", "--file", path, "--as-is", "--csv")
        check(asked.stdout.split() == ["log_index", str(index(path))], "a file is asked without a cluster")
        at_end = offline(cluster, folder, {at: kept[at] for at in sorted(kept)[0:3:2]})
        said(f"a node's files tell entries {sorted(kept)[0:3:2]} and {index(at_end)}")
        server = Postgres(folder)
        stack.callback(server.end)
        in_postgres(server, [f"{folder}/early.sqlite", at_end, path])
        said("PostgreSQL has the same rows and sums")
    print(f"The ledger as tables: {checks} checks, {time.monotonic() - began:.0f} s, seed {SEED}")


main()
