"""Pays on the page of a real cluster while its leaders die: see .ci/page."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

TOOL = sys.argv[1]
PICTURES = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None

# Whoever opens an account chooses its name.
HOSTILE = ["<img/src=x>", "</script>", "<b/onclick=1>", '"><svg/onload=1', "\u202egnp.exe", "{{x}}${1}'&amp;"]
OVER = ("committed", "refused", "absent")

checks = 0


def check(holds, words):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"page: {words}")


def until(words, condition, seconds=20):
    """Waits for something, and returns what it is."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        check(time.monotonic() < end, f"never: {words}")
        time.sleep(0.05)


class Cluster:
    """Three nodes as processes, and what their interface says without any page."""

    def __init__(self, folder):
        self.folder = f"{folder}/c"
        self.first = self.free()
        self.run("cluster", "up", "--nodes", "3", "--first-port", str(self.first), "--detach")

    @staticmethod
    def free():
        for first in range(21_000 + os.getpid() % 5000, 30_000, 7):
            with contextlib.ExitStack() as stack:
                try:
                    for port in [first + gap + node for gap in (0, 100, 200, 300) for node in (1, 2, 3)]:
                        stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                    return first
                except OSError:
                    continue
        raise SystemExit("page: no ports are free")

    def run(self, *arguments):
        done = subprocess.run([TOOL, *arguments, "--data", self.folder], capture_output=True, text=True)
        check(done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}")

    def origin(self, node):
        return f"http://127.0.0.1:{self.first + node}"

    @property
    def origins(self):
        return [self.origin(node) for node in (1, 2, 3)]

    def ask(self, node, target, body=None, key=None):
        """What one node answers: the status and the document; nothing if it is not there."""
        request = urllib.request.Request(
            self.origin(node) + target, data=json.dumps(body).encode() if body else None,
            headers={"idempotency-key": key} if key else {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return None, {}

    def everybody(self, target, body=None, key=None):
        """The first answer that says something."""
        def some():
            for node in (1, 2, 3):
                status, document = self.ask(node, target, body, key)
                if status and status not in (307, 503, 504):
                    return status, document
            return None
        return until(target, some)

    def leader(self):
        def some():
            for node in (1, 2, 3):
                if self.ask(node, "/v1/status")[1].get("role") == "leader":
                    return node
            return None
        return until("a leader", some)

    def kill(self, node):
        pid = int(pathlib.Path(f"{self.folder}/n{node}.pid").read_text())
        os.kill(pid, signal.SIGKILL)

    def start(self, node):
        self.run("cluster", "start", f"n{node}")
        until(f"n{node} again", lambda: self.ask(node, "/v1/status")[0] == 200)

    def end(self):
        subprocess.run([TOOL, "cluster", "down", "--data", self.folder], capture_output=True)


class Tab:
    """A page that remembers what it asked for and what went wrong on it."""

    def __init__(self, browser, address, allowed, **options):
        self.context = browser.new_context(viewport={"width": 1300, "height": 950}, **options)
        self.page = self.context.new_page()
        self.allowed = allowed
        self.wrong = []
        self.asked = []
        self.page.on("console", lambda one: self.wrong.append(one.text) if one.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda one: self.wrong.append(str(one)))
        self.page.on("request", lambda one: self.asked.append((one.method, one.url)))
        self.page.on("dialog", lambda one: (self.wrong.append("a dialog"), one.dismiss()))
        self.open(address)

    def open(self, address):
        self.page.goto(address)
        self.page.wait_for_selector("html[data-ready=yes]")

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def wait(self, selector, words, seconds=20):
        return until(f"{selector} says {words}: {self.text(selector)!r}",
                     lambda: words in self.text(selector), seconds)

    def payments(self):
        return self.page.evaluate("""() => [...document.querySelectorAll("#payments-list > li")].map((one) =>
          ({ key: one.dataset.key, state: one.dataset.state, text: one.innerText }))""")

    def pay(self, source, target, amount):
        """As a person would who has only a keyboard. Returns the key."""
        known = {one["key"] for one in self.payments()}
        page = self.page
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("p")
        check(page.evaluate("document.activeElement.id") == "from", "p goes to the form")
        for text in (source, target, amount):
            page.keyboard.press("ControlOrMeta+A")
            page.keyboard.insert_text(text)
            if text is not amount:
                page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        fresh = until(f"a payment of {amount}: {self.text('#form-error')}",
                      lambda: [one for one in self.payments() if one["key"] not in known])
        return fresh[0]["key"]

    def state(self, key):
        return next((one for one in self.payments() if one["key"] == key), {"state": "", "text": ""})

    def ends(self, key, state, seconds=30):
        until(f"{state}: {self.state(key)['text']}", lambda: self.state(key)["state"] in OVER, seconds)
        found = self.state(key)
        check(found["state"] == state, f"{state} is expected: {found['text']}")
        return found["text"]

    def posts(self):
        return sum(1 for method, _ in self.asked if method == "POST")

    def close(self):
        strange = [url for _, url in self.asked if not url.startswith(tuple(one + "/" for one in self.allowed))]
        check(not strange, f"the page asks others: {strange[:3]}")
        # The browser itself reports each request that was not answered well; nobody can keep it from it.
        wrong = [one for one in self.wrong if not one.startswith("Failed to load resource")]
        check(not wrong, f"on the console: {wrong[:3]}")
        self.context.close()


def form(tab, cluster):
    """Mistakes are told where they are made; money moves once; what is refused says why."""
    first = tab.ends(tab.pay("alice", "bob", "1.50"), "committed")
    check(re.search(r"committed at index \d+", first), f"it says at which index: {first}")
    refused = tab.ends(tab.pay("alice", "bob", "99999"), "refused")
    check("because" in refused and "can spend" in refused, f"it says why: {refused}")
    page = tab.page
    for source, amount, words in [("alice", "1.234", "too fine"), ("alice", "-1", "no amount"),
                                  ("nobody", "1", "no account"), ("alice", "0", "zero")]:
        before = len(tab.payments())
        page.fill("#from", source)
        page.fill("#to", "bob")
        page.fill("#amount", amount)
        page.keyboard.press("Enter")
        tab.wait("#form-error", words)
        check(len(tab.payments()) == before, f"{amount} from {source} is no payment")
        check(page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true",
              "the field that is wrong is the next to be mended")
    tab.wait("#balances-rows", "998.50")


def hostile(tab):
    shown = tab.text("#balances-rows")
    for name in HOSTILE:
        # What is no plain text has its bytes for a name.
        expected = name if name.isascii() else name.encode().ljust(16, b"\0").hex()
        check(expected in shown, f"{expected} is shown as it is: {shown}")
    tab.ends(tab.pay("alice", HOSTILE[0], "0.01"), "committed")
    turned = tab.ends(tab.pay("alice", HOSTILE[4], "0.01"), "committed")
    check("\\u202egnp.exe" in turned, f"a mark that turns text is written out: {turned}")
    tab.wait("#entries-rows", HOSTILE[0])
    page = tab.page
    check(page.locator("img, svg, b[onclick]").count() == 0, "no name becomes an element")
    check("\u202e" not in page.locator("main").inner_text(), "no mark turns the text")


def keys(tab):
    page = tab.page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    check(page.locator("#help").is_visible(), "? shows the keys")
    page.keyboard.press("j")
    check(page.locator("#help").evaluate("one => one.contains(document.activeElement)"), "keys rest while they are shown")
    page.keyboard.press("Escape")
    check(not page.locator("#help").is_visible(), "Escape closes them")
    for key in ("j", "Space", "j", "Space"):
        page.keyboard.press(key)
    tab.wait("#relation", "happened before")
    # Asked for beforehand: to ask the page from within the answer may wait for itself.
    origin = page.evaluate("location.origin")
    page.route("**/v1/causality*", lambda route: route.fulfill(
        status=200, headers={"access-control-allow-origin": origin},
        json={"relation": "concurrent"}))
    page.keyboard.press("j")
    page.keyboard.press("Space")
    tab.wait("#relation", "are concurrent")
    page.unroute("**/v1/causality*")
    page.keyboard.press("Escape")
    tab.wait("#relation", "Choose two entries")
    page.keyboard.press("t")
    check(page.evaluate("document.activeElement.id") == "token", "t goes to the token")
    page.keyboard.press("Enter")
    order = page.evaluate("""() => [...document.querySelectorAll("a[href], button, input, [tabindex='0']")]
      .filter((one) => one.offsetParent !== null && one.tabIndex !== 0)""")
    check(order == [], "Tab follows the order of the page")


def slow_lookup(tab, cluster):
    """What is paid is what was submitted, whatever becomes of the form before it is sent."""
    page = tab.page
    held = []
    account = re.compile(r"/v1/ledger/accounts/alice\?")
    table = re.compile(r"/v1/ledger/accounts\?limit")

    def fields():
        return [page.input_value(f"#{name}") for name in ("from", "to", "amount")]

    def submit():
        """Presses Enter, and goes on once the page waits for what the account is."""
        held.clear()
        page.route(account, lambda route: held.append(route))
        page.press("#amount", "Enter")
        # Only a call to the browser hears of requests; time that is slept away hears nothing.
        until("the account is asked after", lambda: page.wait_for_timeout(20) or held)

    def release():
        page.unroute(account)
        for route in held:
            # It may have been given up for another node meanwhile.
            with contextlib.suppress(Exception):
                route.continue_()

    def paid(count):
        until(f"{count} payments", lambda: len(tab.payments()) >= count)
        page.wait_for_timeout(300)
        shown = tab.payments()
        check(len(shown) == count, f"{count} payments, not more: {[one['text'] for one in shown]}")
        tab.ends(shown[0]["key"], "committed")
        done = cluster.everybody(f"/v1/ledger/transfers?key={shown[0]['key']}")[1]
        return done["from"], done["to"], done["amount"]

    # Without the table each account is asked for.
    page.route(table, lambda route: route.abort())
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    tab.wait("#health-words", "3 of 3 nodes answer: payments are accepted")
    for name, text in (("from", "alice"), ("to", "bob"), ("amount", "1.50")):
        page.fill(f"#{name}", text)
    submit()
    page.fill("#to", "carol")
    page.fill("#amount", "2.50")
    release()
    found = paid(1)
    check(found == ("alice", "bob", "150"), f"what was submitted is paid: {found}")
    check(fields() == ["alice", "carol", "2.50"], f"what was typed meanwhile stays: {fields()}")
    submit()
    page.press("#amount", "Enter")
    tab.wait("#form-said", "sends nothing: 2.50 from alice to carol is still being prepared")
    check(page.get_attribute("#pay-form", "aria-busy") == "true", "the form says that it is busy")
    check(page.evaluate("document.activeElement.id") == "amount", "the focus stays where it was")
    release()
    found = paid(2)
    check(found == ("alice", "carol", "250"), f"it is paid once: {found}")
    check(fields() == ["alice", "carol", ""], f"what was paid is taken out of the form: {fields()}")
    tab.wait("#form-said", "nothing was sent")
    # A mistake is told of the payment that it is in, and not of the next one.
    page.fill("#amount", "1.234")
    submit()
    page.fill("#amount", "7")
    release()
    tab.wait("#form-error", "Not sent: 1.234 from alice to carol: ")
    check(page.locator("#pay-form [aria-invalid]").count() == 0, "the next one is not called wrong")
    check(len(tab.payments()) == 2, "a mistake is no payment")
    page.unroute(table)
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    tab.wait("#health-words", "3 of 3 nodes answer: payments are accepted")
    tab.wait("#balances-rows", "carol")


def through_a_kill(tab, cluster, own):
    """Payments go on while the very node of the page, which led when it was opened, is killed."""
    sent = []
    for number in range(24):
        sent.append(tab.pay("alice", "bob", f"0.{10 + number}"))
        if number == 6:
            cluster.kill(own)
    for key in sent:
        tab.ends(key, "committed", 40)
    tab.wait("#health-words", "2 of 3 nodes answer: payments are accepted")
    tab.wait("#banner", "goes on with the others")
    link = tab.page.locator("#banner a").get_attribute("href")
    check(link.startswith(tuple(cluster.origins)) and not link.startswith(cluster.origin(own)),
          f"the page says where it is served: {link}")
    card = until("the card of the dead node", lambda: [
        one for one in tab.page.locator(".card").all_inner_texts() if "does not answer" in one])
    check(len(card) == 1 and f"n{own}" in card[0] and "silent since" in card[0], f"the strip says who is gone: {card}")
    return sent


def lost_answers(tab, cluster):
    """What was done but not heard of is found by its key; what was not sent is not done by a reload."""
    page = tab.page
    seen = []

    def drop(route):
        """The cluster does it, and the page hears nothing."""
        if route.request.method != "POST":
            route.continue_()
            return
        seen.append(route.request.headers.get("idempotency-key"))
        with contextlib.suppress(Exception):
            route.fetch(max_redirects=0)
        with contextlib.suppress(Exception):
            route.abort()

    page.route("**/v1/ledger/transfers?*", drop)
    key = tab.pay("alice", "bob", "2.01")
    tab.ends(key, "committed")
    check(set(seen) == {key}, f"it is sent with the one key that it had before: {seen}")
    # Its answer is lost, and the page with it.
    lost = tab.pay("alice", "bob", "2.02")
    until("it was sent", lambda: lost in seen)
    until("it was done", lambda: cluster.everybody(f"/v1/ledger/transfers?key={lost}")[0] == 200)
    page.unroute("**/v1/ledger/transfers?*")
    # This one never leaves the page.
    page.route("**/v1/ledger/transfers?*", lambda route:
               route.abort() if route.request.method == "POST" else route.continue_())
    kept = tab.pay("alice", "bob", "2.03")
    check(tab.state(kept)["state"] in ("sending", "unknown"), "what is not known is not called done")
    tab.asked.clear()
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    check("unknown" in tab.state(kept)["text"] and "checking" in tab.state(kept)["text"], "after a reload it is asked after")
    tab.ends(kept, "absent")
    check(lost not in [one["key"] for one in tab.payments()] or tab.ends(lost, "committed"), "what was done is found")
    check(tab.posts() == 0, "a reload pays nothing")
    page.unroute("**/v1/ledger/transfers?*")
    row = page.locator(f"li[data-key='{kept}']")
    row.locator(".pay-now").click()
    tab.ends(kept, "committed")
    return [key, lost, kept]


def reload_through_a_kill(tab, cluster):
    """A page of a follower is loaded anew while the leader dies under its payments."""
    leader = cluster.leader()
    sent = [tab.pay("alice", "bob", "3.01"), tab.pay("alice", "bob", "3.02")]
    cluster.kill(leader)
    for number in range(6):
        sent.append(tab.pay("alice", "bob", f"3.{10 + number}"))
    tab.page.reload()
    tab.page.wait_for_selector("html[data-ready=yes]")
    again = [one["key"] for one in tab.payments()]
    check(set(again) <= set(sent), "a reload brings back what is not known")
    for key in again:
        until(f"an end: {tab.state(key)['text']}", lambda: tab.state(key)["state"] in OVER, 40)
        if tab.state(key)["state"] == "absent":
            tab.page.locator(f"li[data-key='{key}'] .pay-now").click()
            tab.ends(key, "committed")
    cluster.start(leader)
    return sent


def brought(tab, cluster):
    """Payments that an address brings along are asked after, and paid only on a click."""
    open_ = [{"key": "01M7ZNVRES74NRJANTB08YRAPR", "from": HOSTILE[0], "to": "bob", "amount": "7", "digits": 2, "currency": "XXX"}]
    for fragment in ("not json", "%ff", json.dumps([{"key": "<img>"}, None, 7])):
        tab.page.goto("about:blank")
        tab.open(cluster.origins[0] + "/pay#open=" + urllib.parse.quote(fragment, safe="%"))
        check(tab.payments() == [], f"nonsense is no payment: {fragment}")
    tab.page.goto("about:blank")
    tab.asked.clear()
    open_[0]["key"] = fresh_key()
    tab.open(cluster.origins[0] + "/pay#open=" + urllib.parse.quote(json.dumps(open_)))
    text = tab.ends(open_[0]["key"], "absent")
    check(HOSTILE[0] in text, "a name from an address is text")
    check(tab.posts() == 0 and "#" not in tab.page.url, "an address pays nothing")
    tab.page.locator(".forget").click()
    check(tab.payments() == [], "what is forgotten is gone")
    tab.page.reload()
    tab.page.wait_for_selector("html[data-ready=yes]")
    check(tab.payments() == [], "and stays so")


def fresh_key():
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return "".join(letters[value >> 5 * place & 31] for place in reversed(range(26)))


def tokens(tab):
    """Where a token is wanted the page says so, and shows it once it has it, to the nodes only."""
    page = tab.page
    shown = []

    origin = page.evaluate("location.origin")

    def guard(route):
        token = route.request.headers.get("authorization")
        shown.append(token)
        if route.request.method == "OPTIONS" or token == "Bearer flt_secret":
            route.continue_()
            return
        route.fulfill(status=401, content_type="application/problem+json", headers={
            "access-control-allow-origin": origin},
            json={"outcome": "unauthorized", "status": 401, "detail": "this cluster wants a token"})

    page.route("**/v1/**", guard)
    page.reload()
    tab.wait("#banner", "wants a token. Enter one")
    page.click("#token-button")
    page.keyboard.type("flt_wrong")
    page.keyboard.press("Enter")
    tab.wait("#banner", "not accepted")
    page.click("#token-button")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("flt_secret")
    page.keyboard.press("Enter")
    tab.wait("#health-words", "payments are accepted")
    until("the banner goes", lambda: not page.locator("#banner").is_visible())
    check("Bearer flt_secret" in shown, "the token is shown")
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    check("secret" not in kept, f"the token is kept nowhere: {kept}")
    page.unroute("**/v1/**")


def accessible(browser, cluster, pictures):
    for scheme in ("light", "dark"):
        tab = Tab(browser, cluster.origins[0] + "/", cluster.origins, color_scheme=scheme, reduced_motion="reduce")
        page = tab.page
        tab.wait("#entries-rows", "alice")
        tab.wait("#health-words", "3 of 3 nodes answer")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        check(not found, f"accessibility, {scheme}: {[(one['id'], one['nodes'][0]['html'][:150]) for one in found]}")
        moving = page.evaluate("""() => getComputedStyle(document.documentElement).scrollBehavior""")
        check(moving == "auto", "nothing moves for who wants it still")
        for region in ("#live[aria-live=polite]", "main", "#form-error[role=alert]", "#relation[role=status]"):
            check(page.locator(region).count() == 1, f"{region} is there")
        if pictures:
            page.screenshot(path=str(pictures / f"pay-{scheme}.png"), full_page=True)
        page.set_viewport_size({"width": 320, "height": 800})
        page.wait_for_timeout(100)
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        check(wide <= 320, f"320 pixels are enough: {wide}")
        if pictures:
            page.screenshot(path=str(pictures / f"pay-{scheme}-320.png"), full_page=True)
        tab.close()


def strangers(browser, cluster):
    """A page of somebody else can neither read nor pay, whatever it tries."""
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with tempfile.TemporaryDirectory() as empty:
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *one: handler(*one, directory=empty))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        leader = cluster.leader()
        results = page.evaluate("""async (node) => {
          const body = JSON.stringify({ id: "mallory" });
          const tries = [
            () => fetch(node + "/v1/status"),
            () => fetch(node + "/v1/ledger/accounts", { method: "POST", body, mode: "no-cors" }),
            () => fetch(node + "/v1/ledger/accounts", { method: "POST", body, headers: { "content-type": "application/json" } }),
            () => fetch(node + "/v1/kv/mallory", { method: "PUT", body }),
          ];
          const results = [];
          for (const one of tries) {
            try { results.push((await one()).type); } catch { results.push("failed"); }
          }
          return results;
        }""", cluster.origin(leader))
        check(results == ["failed", "opaque", "failed", "failed"], f"what a stranger gets: {results}")
        check(cluster.everybody("/v1/ledger/accounts/mallory")[0] == 404, "a stranger's page opens no account")
        check(cluster.everybody("/v1/kv/mallory")[0] == 404, "a stranger's page sets no key")
        page.close()
        server.shutdown()


def audit(cluster, keys_):
    """Nothing was paid twice, and the sums are those of what was paid."""
    status, document = cluster.everybody("/v1/ledger/transfers?limit=10000")
    check(status == 200 and document["isComplete"], "all transfers are listed")
    transfers = document["transfers"]
    seen = [one["key"] for one in transfers if one["key"]]
    check(len(seen) == len(set(seen)), "no key is in the ledger twice")
    for key in keys_:
        check(seen.count(key) == 1, f"{key} is in the ledger once")
    paid = sum(int(one["amount"]) for one in transfers if one["to"] == "bob")
    status, bob = cluster.everybody("/v1/ledger/accounts/bob")
    check(bob["balance"] == str(paid), f"bob has what he was paid: {bob['balance']}, {paid}")
    known = {one["key"]: int(one["amount"]) for one in transfers}
    check(sum(known[key] for key in keys_ if key in known) <= paid, "the sum is right")
    check(cluster.everybody("/v1/ledger/audit")[1]["isBalanced"], "no money was made")


def prepare(cluster):
    accounts = [{"id": "world", "overdraft": "unlimited"}]
    accounts += [{"id": name} for name in ["alice", "bob", "carol", *HOSTILE]]
    check(cluster.everybody("/v1/ledger/accounts", {"accounts": accounts})[0] == 200, "accounts are opened")
    given = cluster.everybody(
        "/v1/ledger/transfers", {"from": "world", "to": "alice", "amount": "100000"}, fresh_key())
    check(given[0] == 200, f"alice is given something: {given}")


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flotilla-page-") as folder, sync_playwright() as playwright:
        cluster = Cluster(folder)
        try:
            prepare(cluster)
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            for origin in cluster.origins:
                with urllib.request.urlopen(origin + "/pay") as answer:
                    check("default-src 'none'" in answer.headers["content-security-policy"], "each node serves the page")
            leader = cluster.leader()
            tab = Tab(browser, cluster.origin(leader) + "/pay", cluster.origins)
            tab.wait("#health-words", "3 of 3 nodes answer: payments are accepted")
            tab.wait("#balances-rows", "alice")
            form(tab, cluster)
            hostile(tab)
            keys(tab)
            slow_lookup(tab, cluster)
            marks = [time.monotonic()]
            sent = through_a_kill(tab, cluster, leader)
            marks.append(time.monotonic())
            tab.close()
            cluster.start(leader)
            follower = next(node for node in (1, 2, 3) if node != cluster.leader())
            tab = Tab(browser, cluster.origin(follower) + "/pay", cluster.origins)
            tab.wait("#health-words", "3 of 3 nodes answer: payments are accepted")
            sent += lost_answers(tab, cluster)
            sent += reload_through_a_kill(tab, cluster)
            marks.append(time.monotonic())
            brought(tab, cluster)
            tokens(tab)
            tab.close()
            accessible(browser, cluster, PICTURES)
            strangers(browser, cluster)
            audit(cluster, sent)
            browser.close()
        finally:
            cluster.end()
    print(f"{len(sent)} payments through two killed leaders: each in the ledger once")
    print(f"{checks} checks passed in {time.monotonic() - started:.0f} s")


main()
