"""Clients that write down what they asked for and what they were told."""

import http.client
import json
import os
import random
import threading
import time
import urllib.parse

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid():
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(ALPHABET[number >> 5 * k & 31] for k in reversed(range(26)))


class Lost(Exception):
    """Nothing came back of what was sent: it may have been done."""


class NotSent(Exception):
    """It did not leave: nothing was done."""


class Wire:
    """One client's connections, one to each node."""

    def __init__(self, addresses, timeout=3, connect=None):
        self.addresses, self.timeout = addresses, timeout
        self.open = {}
        self.connect = connect or (lambda host, port, timeout: http.client.HTTPConnection(
            host, port, timeout=timeout))

    def ask(self, address, method, path, body=None, headers=None):
        """Status, headers, bytes."""
        connection = self.open.pop(address, None)
        try:
            if connection is None:
                host, port = address.rsplit(":", 1)
                connection = self.connect(host, int(port), self.timeout)
                connection.connect()
        except OSError as error:
            raise NotSent(str(error)) from error
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Lost(str(error)) from error
        if not answer.will_close:
            self.open[address] = connection
        return answer.status, answer.headers, data


class History:
    """Operations of all clients, in memory until the end."""

    def __init__(self):
        self.lock = threading.Lock()
        self.lines = []

    def add(self, line):
        with self.lock:
            self.lines.append(json.dumps(line, separators=(",", ":")))

    def write(self, path):
        path.write_text("\n".join(self.lines) + "\n")


class Client(threading.Thread):
    """Asks one thing after the other until it is told to stop."""

    def __init__(self, campaign, name, seed):
        super().__init__(name=name, daemon=True)
        self.campaign = campaign
        self.random = random.Random(seed)
        self.wire = Wire([node.address for node in campaign.cluster.nodes])
        self.place = self.random.randrange(len(self.wire.addresses))
        self.counts = {}

    def count(self, word):
        self.counts[word] = self.counts.get(word, 0) + 1

    def turn(self, location=None):
        if location:
            address = urllib.parse.urlparse(location).netloc
            if address in self.wire.addresses:
                self.place = self.wire.addresses.index(address)
                return
        self.place = (self.place + 1) % len(self.wire.addresses)

    def attempt(self, method, path, body=None, headers=None):
        """One try at one node.

        Gives (word, status, bytes): word is done, no (surely nothing was done), or unknown.
        """
        address = self.wire.addresses[self.place]
        try:
            status, fields, data = self.wire.ask(address, method, path, body, headers)
        except NotSent:
            self.turn()
            return "no", 0, b""
        except Lost:
            self.turn()
            return "unknown", 0, b""
        outcome = fields.get("flotilla-outcome")
        if status == 307:
            self.turn(fields.get("location"))
            return "no", status, data
        if status == 429:
            return "no", status, data
        if status == 503 and outcome == "unavailable":
            self.turn()
            return "no", status, data
        if status in (200, 201, 202, 404, 409, 422):
            return "done", status, data
        if status in (503, 504):
            self.turn()
            return "unknown", status, data
        self.campaign.finding(
            "%s %s was answered with %d: %s" % (method, path, status, data[:200]))
        return "unknown", status, data

    def settle(self, method, path, body=None, headers=None, seconds=5.0, repeatable=True):
        """Tries until there is a result; only what may be repeated is sent twice."""
        end = time.monotonic() + seconds
        word = "no"
        while True:
            last, status, data = self.attempt(method, path, body, headers)
            if last == "done":
                return "done", status, data
            if last == "unknown":
                word = "unknown"
                if not repeatable:
                    return word, status, data
            if time.monotonic() > end or self.campaign.is_over:
                return word, status, data
            time.sleep(0.02)


class KeyValueClient(Client):
    """Reads and writes a few keys, and writes down what it saw."""

    def run(self):
        sequence = 0
        session = None
        while not self.campaign.is_over:
            if session is None:
                session = self.open_session()
                sequence = 0
                continue
            # A few keys for a few seconds, then others: what is uncertain of one key stays small.
            epoch = int(time.monotonic() - self.campaign.started) // 4
            key = "e%d-%d" % (epoch, self.random.randrange(4))
            path = "/v1/kv/" + key
            draw = self.random.random()
            call = time.monotonic_ns()
            if draw < 0.45:
                word, status, data = self.settle("GET", path + "?timeout=2s")
                operation = {"type": "get", "key": key}
                result = {"value": data.decode() if status == 200 else None}
                if word != "done":
                    self.count("reads without an answer")
                    continue
            else:
                sequence += 1
                value = "%s-%d-%d" % (self.name, session, sequence)
                headers = {"Flotilla-Session": str(session), "Flotilla-Sequence": str(sequence),
                           "Flotilla-Acknowledged": str(sequence - 1)}
                operation = {"type": "put", "key": key, "value": value}
                query = "?timeout=2s"
                if draw > 0.85:
                    expected = self.campaign.seen.get(key)
                    operation = {"type": "cas", "key": key, "from": expected, "to": value}
                    query += "&ifAbsent" if expected is None else "&if=" + expected
                word, status, data = self.settle(
                    "PUT", path + query, value.encode(), headers, seconds=12)
                result = {"swapped": status != 409} if operation["type"] == "cas" else {}
                if word == "done" and status == 422:
                    # The session is gone. What that says of this request: nothing.
                    reason = json.loads(data).get("reason")
                    if reason not in ("sessionExpired", "unknownSession"):
                        self.campaign.finding("a write was refused: %s" % data[:200])
                    word, session = "unknown", None
            end = time.monotonic_ns()
            line = {"client": self.name, "call": call, "return": end, "op": operation}
            if word == "done":
                self.count("operations")
                line["result"] = {"status": "ok", **result}
                if operation["type"] == "get":
                    self.campaign.seen[key] = result["value"]
                elif status == 200:
                    self.campaign.seen[key] = value
                    self.campaign.note_done()
            elif word == "no":
                self.count("surely not done")
                line["result"] = {"status": "failed"}
                # The place in the session is free, and would be taken for what was not done.
                session = None
            else:
                self.count("unknown")
                line["return"] = None
                line["result"] = {"status": "unknown"}
                session = None
            self.campaign.history.add(line)

    def open_session(self):
        word, status, data = self.settle("POST", "/v1/sessions?timeout=2s")
        if word == "done" and status in (200, 201):
            return int(json.loads(data)["session"])
        return None


class Payer(Client):
    """Pays, each payment with a key, and asks again until it knows."""

    def __init__(self, campaign, name, seed):
        super().__init__(campaign, name, seed)
        self.payments = []

    def run(self):
        accounts = self.campaign.accounts
        while not self.campaign.is_over:
            payer, payee = self.random.sample(accounts, 2)
            payment = {"from": payer, "to": payee, "amount": str(self.random.randrange(1, 9)),
                       "key": ulid(), "fate": "open"}
            self.payments.append(payment)
            self.pay(payment, 20)
            # Each payment is looked up at the end.
            time.sleep(0.02)

    def pay(self, payment, seconds):
        body = json.dumps({k: payment[k] for k in ("from", "to", "amount")}).encode()
        headers = {"Idempotency-Key": payment["key"], "content-type": "application/json"}
        word, status, data = self.settle(
            "POST", "/v1/ledger/transfers?timeout=2s", body, headers, seconds)
        if word == "done" and status == 200:
            self.count("payments")
            payment["fate"] = "paid"
            self.campaign.note_done()
        elif word == "done":
            self.count("payments refused")
            payment["fate"] = "refused " + data.decode(errors="replace")[:300]
        elif word == "no":
            payment["fate"] = "not done"
        else:
            self.count("payments open")
