"""Real processes of `flotilla node`, and what may be done to them."""

import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request


def free_ports(count):
    """Ports of loopback that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Node:
    """One process, its folder, and where it listens."""

    def __init__(self, cluster, number, host, ports):
        self.cluster, self.number, self.host = cluster, number, host
        self.name = "n%d" % number
        self.peer, self.http, self.text = ports
        self.directory = cluster.folder / self.name
        self.log = cluster.folder / (self.name + ".log")
        self.process = None
        self.prefix = []
        self.environment = {}
        # Ends that we brought about; any other is a finding.
        self.expected = set()
        self.is_stopped = False

    @property
    def address(self):
        return "%s:%d" % (self.host, self.http)

    def start(self):
        if self.is_running():
            return
        command = self.prefix + [
            self.cluster.flotilla, "node", "start", "--config", str(self.cluster.config),
            "--node", self.name, "--directory", str(self.directory), "--allow-chaos"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.environment}, start_new_session=True)
        self.expected = set()
        self.is_stopped = False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def kill(self):
        self.expected.add(-signal.SIGKILL)
        self.resume()
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self):
        """Politely."""
        self.expected.add(0)
        self.resume()
        self.signal(signal.SIGTERM)
        if self.process:
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.cluster.findings.append("%s does not end within 40 s of SIGTERM" % self.name)
                self.kill()

    def pause(self):
        self.is_stopped = True
        self.signal(signal.SIGSTOP)

    def resume(self):
        if self.is_stopped:
            self.is_stopped = False
            self.signal(signal.SIGCONT)

    def check(self):
        """Notes an end that nobody brought about."""
        if self.process is None or self.process.poll() is None:
            return
        code = self.process.returncode
        if code not in self.expected:
            tail = self.log.read_text(errors="replace").splitlines()[-12:]
            self.cluster.findings.append(
                "%s ended by itself with %d\n    %s" % (self.name, code, "\n    ".join(tail)))
        self.process = None


class Cluster:
    """Nodes on loopback, or wherever their hosts are."""

    def __init__(self, folder, flotilla, count=3, hosts=None, note=print):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.flotilla, self.note = flotilla, note
        self.findings = []
        self.config = self.folder / "cluster.yaml"
        if hosts is None:
            ports = free_ports(3 * count)
            places = [("127.0.0.1", ports[3 * k:3 * k + 3]) for k in range(count)]
        else:
            places = [(host, (7201, 7101, 7301)) for host in hosts]
        self.nodes = [Node(self, k + 1, *place) for k, place in enumerate(places)]
        lines = ["cluster: faults", "id: " + secrets.token_hex(16),
                 "key: " + secrets.token_hex(32)]
        if hosts is not None:
            lines.append("insecurePublic: true")
        lines.append("nodes:")
        for node in self.nodes:
            lines.append(
                '  - { id: %s, peer: "%s:%d", http: "%s:%d", text: "%s:%d" }' % (
                    node.name, node.host, node.peer, node.host, node.http, node.host, node.text))
        self.config.write_text("\n".join(lines) + "\n")

    def make(self):
        for node in self.nodes:
            if not (node.directory.exists() and any(node.directory.iterdir())):
                subprocess.run(
                    [self.flotilla, "node", "init", "--config", str(self.config), "--node",
                     node.name, "--directory", str(node.directory)],
                    check=True, capture_output=True)

    def start(self):
        self.make()
        for node in self.nodes:
            node.start()

    def end(self):
        for node in self.nodes:
            node.check()
            node.kill()

    def ask(self, node, method, path, body=None, timeout=2):
        """The document that a node answers with; None if it does not."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            "http://%s%s" % (node.address, path), data=data, method=method,
            headers={"content-type": "application/json", "accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.load(answer)
        except (OSError, ValueError, urllib.error.URLError):
            return None

    def status(self, node):
        return self.ask(node, "GET", "/v1/status") if node.is_running() else None

    def leader(self):
        """Who leads by its own words, in the newest term."""
        found = [(int(s["term"]), node) for node in self.nodes
                 for s in [self.status(node)] if s and s["role"] == "leader"]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def until_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if all(self.ask(node, "GET", "/readyz") for node in self.nodes):
                return True
            for node in self.nodes:
                node.check()
            time.sleep(0.05)
        return False

    def chaos(self, node, fault, seconds, **more):
        return self.ask(
            node, "POST", "/v1/chaos", {"fault": fault, "for": "%dms" % (seconds * 1000), **more})

    def heal(self):
        """Ends everything that is wrong on purpose, and has every node run."""
        for node in self.nodes:
            node.resume()
            node.check()
            node.start()
        if not self.until_ready():
            self.findings.append("the cluster is not ready 60 s after everything was healed: %s" % [
                (n.name, self.status(n)) for n in self.nodes])
        for node in self.nodes:
            self.ask(node, "DELETE", "/v1/chaos")

    def converge(self, seconds=60):
        """Waits until all have applied the same, and compares what they hold."""
        end = time.monotonic() + seconds
        while True:
            states = [self.status(node) for node in self.nodes]
            applied = {s and s["appliedIndex"] for s in states}
            if None not in applied and len(applied) == 1:
                break
            if time.monotonic() > end:
                self.findings.append("the nodes do not converge: applied %s" % applied)
                return
            time.sleep(0.1)
        for path in ["/v1/kv?read=stale&limit=10000", "/v1/ledger/audit?read=stale"]:
            held = []
            for node in self.nodes:
                document = self.ask(node, "GET", path, timeout=20)
                held.append(document and {k: v for k, v in document.items() if k != "index"})
            if any(one is None or one != held[0] for one in held):
                self.findings.append("the nodes hold different things at %s" % path)


def tmpfs(folder, megabytes):
    """A small file system; None where there can be none."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=%dm" % megabytes, "tmpfs", str(folder)],
        capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip() or "mount failed"


def unmount(folder):
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


class Network:
    """Hosts of our own, each in a network namespace, joined by a bridge in another."""

    def __init__(self, count):
        self.mark = "fl%04x" % (os.getpid() & 0xffff)
        self.spaces = ["%s-%d" % (self.mark, k) for k in range(count + 1)]
        self.subnet = "10.231.7."
        self.hosts = [self.subnet + str(k + 1) for k in range(count)]

    def run(self, *words):
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def inside(self, number, *words):
        return self.run("ip", "netns", "exec", self.spaces[number], *words)

    def up(self):
        """Says why there can be no such network, or None."""
        if not shutil.which("ip"):
            return "there is no command ip (Debian: iproute2)"
        steps = [["ip", "netns", "add", space] for space in self.spaces]
        hub = ["ip", "netns", "exec", self.spaces[0]]
        steps += [hub + ["ip", "link", "add", "br0", "type", "bridge"],
                  hub + ["ip", "addr", "add", self.subnet + "254/24", "dev", "br0"],
                  hub + ["ip", "link", "set", "lo", "up"],
                  hub + ["ip", "link", "set", "br0", "up"]]
        for k, host in enumerate(self.hosts, 1):
            space = ["ip", "netns", "exec", self.spaces[k]]
            steps += [
                hub + ["ip", "link", "add", "v%d" % k, "type", "veth", "peer", "name", "eth0",
                       "netns", self.spaces[k]],
                hub + ["ip", "link", "set", "v%d" % k, "master", "br0", "up"],
                space + ["ip", "addr", "add", host + "/24", "dev", "eth0"],
                space + ["ip", "link", "set", "lo", "up"],
                space + ["ip", "link", "set", "eth0", "up"]]
        for step in steps:
            done = self.run(*step)
            if done.returncode != 0:
                self.down()
                return "%s: %s" % (" ".join(step), done.stderr.strip())
        return None

    def down(self):
        for space in self.spaces:
            self.run("ip", "netns", "del", space)

    def prefix(self, number):
        return ["ip", "netns", "exec", self.spaces[number]]

    def can_shape(self):
        """Whether the kernel knows netem."""
        if not shutil.which("tc"):
            return "there is no command tc (Debian: iproute2)"
        done = self.inside(1, "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "1ms")
        self.inside(1, "tc", "qdisc", "del", "dev", "eth0", "root")
        return None if done.returncode == 0 else done.stderr.strip() or "tc failed"

    def shape(self, number, *words):
        self.inside(number, "tc", "qdisc", "replace", "dev", "eth0", "root", "netem", *words)

    def unshape(self, number):
        self.inside(number, "tc", "qdisc", "del", "dev", "eth0", "root")

    def link(self, number, is_up):
        """The cable of a host, at the hub."""
        self.inside(0, "ip", "link", "set", "v%d" % number, "up" if is_up else "down")

    def deafen(self, number, other, is_on=True):
        """Nothing gets from a host to another; the other way is open."""
        self.inside(number, "ip", "route", "replace" if is_on else "del", "blackhole",
                    self.hosts[other - 1] + "/32")


def openssl():
    return shutil.which("openssl")


def version(tool):
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
    return re.sub(r"\s+", " ", done.stdout).strip()
