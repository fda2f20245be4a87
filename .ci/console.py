"""Starts, breaks and stops a cluster on the console's page: see .ci/console."""

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
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

TOOL = sys.argv[1]
PICTURES = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None

# A folder may be called anything, and so may what a node logs.
HOSTILE = "<img src=x onerror=alert(1)>' \u202egnp.exe {{x}}"

checks = 0


def check(holds, words):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"console: {words}")


def until(words, condition, seconds=20):
    """Waits for something, and returns what it is."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        check(time.monotonic() < end, f"never: {words}")
        time.sleep(0.05)


def free():
    for first in range(31_000 + os.getpid() % 5000, 40_000, 7):
        with contextlib.ExitStack() as stack:
            try:
                for port in [first] + [first + gap + node for gap in (0, 100, 200) for node in (1, 2, 3)]:
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                return first
            except OSError:
                continue
    raise SystemExit("console: no ports are free")


class Console:
    """The console as a process, and what it answers without any page."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free()
        self.process = subprocess.Popen(
            [TOOL, "console", "--listen", f"127.0.0.1:{self.port}", "--data", folder,
             "--first-port", str(self.port), "--format", "jsonl"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        check(line, f"the console starts: {self.process.stderr.read() if not line else ''}")
        said = json.loads(line)
        self.page, self.token = said["page"], said["token"]
        check(said["tokenFile"] == f"{folder}/console.token", "it says where the token is")
        check(os.stat(said["tokenFile"]).st_mode & 0o777 == 0o600, "only its owner reads the token")

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method, target, body=None, **headers):
        """The status and the document of an answer."""
        request = urllib.request.Request(
            self.origin + target, method=method, data=json.dumps(body).encode() if body is not None else None,
            headers={"authorization": f"Bearer {self.token}", **headers})
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def state(self):
        return self.ask("GET", "/v1/cluster")[1]

    def pids(self):
        return [int(node["pid"]) for node in self.state()["nodes"] if node["pid"]]

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def is_there(pid):
    try:
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


class Tab:
    """A page that remembers what it asked for and what went wrong on it."""

    def __init__(self, browser, console, **options):
        self.context = browser.new_context(viewport={"width": 1300, "height": 950}, **options)
        self.page = self.context.new_page()
        self.console = console
        self.wrong = []
        self.asked = []
        self.page.on("console", lambda one: self.wrong.append(one.text) if one.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda one: self.wrong.append(str(one)))
        self.page.on("request", lambda one: self.asked.append(one.url))
        self.page.on("dialog", lambda one: (self.wrong.append("a dialog"), one.dismiss()))
        self.page.goto(console.page)
        self.page.wait_for_selector("html[data-ready=yes]")

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def wait(self, selector, words, seconds=20):
        return until(f"{selector} says {words}: {self.text(selector)!r}",
                     lambda: words in self.text(selector), seconds)

    def card(self, name):
        return self.page.locator(f"#node-{name}")

    def press(self, name, verb):
        self.card(name).locator(f"[data-verb={verb}]").click()

    def leader(self):
        return until("a leader's card", lambda: self.page.evaluate(
            """() => document.querySelector('.card[data-role="leader"]')?.id.slice(5)"""))

    def is_possible(self, selector):
        return self.page.locator(selector).get_attribute("aria-disabled") != "true"

    def close(self):
        strange = [url for url in self.asked if not url.startswith(self.console.origin + "/")]
        check(not strange, f"the page asks others: {strange[:3]}")
        # The browser itself reports each request that was not answered well.
        wrong = [one for one in self.wrong if not one.startswith("Failed to load resource")]
        check(not wrong, f"on the browser's console: {wrong[:3]}")
        self.context.close()


def strangers(browser, console):
    """Nobody without the token, and no page of another site, can do or read anything."""
    for token in ("", "0" * 64):
        request = urllib.request.Request(
            console.origin + "/v1/cluster/start", method="POST", headers={"authorization": f"Bearer {token}"})
        try:
            urllib.request.urlopen(request, timeout=5)
            check(False, "a wrong token starts a cluster")
        except urllib.error.HTTPError as error:
            check(error.code == 401, f"without the token: {error.code}")
    for name, value in [("host", "evil.example"), ("host", f"evil.example:{console.port}"),
                        ("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")]:
        status, answer = console.ask("POST", "/v1/cluster/start", **{name: value})
        check(status == 403 and answer["outcome"] == "forbidden", f"{name} {value}: {status}")
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with tempfile.TemporaryDirectory() as empty:
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *one: handler(*one, directory=empty))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        results = page.evaluate("""async ([node, token]) => {
          const tries = [
            () => fetch(node + "/"),
            () => fetch(node + "/v1/cluster", { headers: { authorization: `Bearer ${token}` } }),
            () => fetch(node + "/v1/cluster/start", { method: "POST", headers: { authorization: `Bearer ${token}` } }),
            () => fetch(node + "/v1/cluster/start", { method: "POST", mode: "no-cors" }),
            () => new Promise((done, fail) => {
              const frame = document.createElement("iframe");
              frame.onload = () => { try { frame.contentDocument.body.id; done({ type: "read" }); } catch { fail(); } };
              frame.src = node + "/";
              document.body.append(frame);
            }),
          ];
          const results = [];
          for (const one of tries) {
            try { results.push((await one()).type); } catch { results.push("failed"); }
          }
          return results;
        }""", [console.origin, console.token])
        check(results == ["failed", "failed", "failed", "opaque", "failed"] or
              results == ["failed", "failed", "failed", "failed", "failed"], f"what a stranger gets: {results}")
        page.close()
        server.shutdown()
    check(not console.state()["isMade"], "no stranger made a cluster")


def began(tab, console):
    """A cluster of three is started from the page, with the keyboard."""
    page = tab.page
    check("#" not in page.url and console.token not in page.url, "the token leaves the address")
    tab.wait("#health-words", "There is no cluster")
    check(tab.text("#count") and page.locator("#count").input_value() == "3", "three nodes are usual")
    page.select_option("#count", "2")
    check("--nodes 2" in tab.text("#start-command"), "the command follows the number")
    page.select_option("#count", "3")
    page.focus("#start-all")
    page.keyboard.press("Enter")
    tab.wait("#said", "flotilla cluster up --nodes 3")
    tab.wait("#health-words", "3 of 3 nodes run, 3 of 3 voters answer")
    leader = tab.leader()
    tab.wait("#health-words", f"{leader} leads term")
    check("committed" in tab.card(leader).inner_text(), "the card says how far the log has come")
    bar = tab.card(leader).locator(".bar")
    check("applied" in bar.get_attribute("aria-label"), "the bar is told in words")
    check(not page.locator("#count-field").is_visible(), "its number is settled")
    tab.wait(f"#log-{leader}", "raft.leader.elected")
    tab.wait("#log-n1", "serves HTTP")
    tab.wait("#events-list", f"{leader} leads term")
    return leader


def same_cluster(tab, console):
    """Every other command sees it."""
    done = subprocess.run([TOOL, "status", "--data", console.folder], capture_output=True, text=True)
    check(done.returncode == 0 and "healthy" in done.stdout, f"status: {done.stdout}{done.stderr}")
    done = subprocess.run([TOOL, "kv", "put", "a", "1", "--data", console.folder], capture_output=True, text=True)
    check(done.returncode == 0, f"kv: {done.stderr}")
    command = tab.card("n1").locator("li", has_text="kill").locator("code").inner_text()
    check(command.startswith("flotilla cluster kill n1 --data"), f"the button's command: {command}")


def killed(tab, console, leader):
    """The leader that the page asks is killed: it moves on, and says to whom."""
    asked = console.state()["asked"]
    check(asked in tab.text("#asked-words"), "the page says whom it asks")
    tab.press(asked, "kill")
    tab.wait("#said", f"killed {asked}: nothing was handed over")
    moved = tab.wait("#asked-words", f"{asked} does not answer: this page moved to n")
    now = until("another node", lambda: re.search(r"moved to (n\d)", tab.text("#asked-words"))).group(1)
    check(now != asked, "it is another node")
    tab.wait("#events-list", f"the console asks {now} now")
    until("another leader", lambda: tab.page.locator(".card[data-role=leader]").count() == 1 and tab.leader() != asked)
    tab.wait("#health-words", "2 of 3 nodes run, 2 of 3 voters answer")
    tab.wait(f"#node-{asked}", "killed: nothing was handed over")
    check(tab.card(asked).locator("[data-verb=kill]").get_attribute("aria-disabled") == "true", "what is gone cannot be killed")
    tab.press(asked, "start")
    tab.wait("#health-words", "3 of 3 nodes run, 3 of 3 voters answer")
    # From a terminal, too.
    subprocess.run([TOOL, "cluster", "kill", "n2", "--data", console.folder], capture_output=True)
    tab.wait("#node-n2", "killed")
    tab.press("n2", "start")
    tab.wait("#health-words", "3 of 3 nodes run, 3 of 3 voters answer")
    tab.press("n2", "restart")
    tab.wait("#said", "restarted n2", 30)
    return moved


def faults(tab):
    """A fault with its timer, its command and its end; and another that ends by itself."""
    page = tab.page
    page.select_option("#fault-node", "n3")
    page.select_option("#fault-for", "2m")
    row = page.locator("#fault-buttons li", has=page.locator("[data-fault=pause]"))
    until("the command", lambda: "flotilla chaos pause n3 --for 120s" in row.inner_text())
    row.locator("button").click()
    tab.wait("#said", "n3 does nothing, for 120s")
    tab.wait("#faults-list", "n3 does nothing")
    first = int(re.search(r"(\d+) s left", tab.text("#faults-list")).group(1))
    tab.wait("#node-n3", "does not answer")
    until("the time runs", lambda: int(re.search(r"(\d+) s left", tab.text("#faults-list")).group(1)) < first)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("h")
    tab.wait("#said", "healed 1")
    tab.wait("#node-n3", "answers")
    until("nothing is wrong", lambda: page.locator("#faults-list li").count() == 0)
    page.select_option("#fault-node", "leader")
    page.select_option("#fault-for", "5s")
    leader = tab.leader()
    isolate = page.locator("#fault-buttons li", has=page.locator("[data-fault=isolate]"))
    until("the command", lambda: "flotilla chaos isolate leader --for 5s" in isolate.inner_text())
    isolate.locator("button").click()
    tab.wait("#said", f"{leader} and all others do not hear each other, for 5s")
    until("another leads", lambda: tab.page.locator(".card[data-role=leader]").count() >= 1 and
          tab.console.state()["leader"] not in (None, leader))
    until("it ends by itself", lambda: page.locator("#faults-list li").count() == 0, 12)
    page.fill("#fault-by", "<img src=x>")
    slow = page.locator("#fault-buttons li", has=page.locator("[data-fault=slow]"))
    until("what is wrong", lambda: "by must be a time" in slow.inner_text())
    check(slow.locator("button").get_attribute("aria-disabled") == "true", "what cannot be begun has no button")
    check(page.locator("#fault-buttons img").count() == 0, "what is typed is text")
    page.fill("#fault-by", "200ms")


def streams(tab, console):
    """Events are filtered and paused, lines of nodes are text whatever they hold."""
    page = tab.page
    page.fill("#events-filter", "LEADS")
    until("only those", lambda: page.locator("#events-list .line").count() > 0 and
          all("leads" in one.lower() for one in page.locator("#events-list .line").all_inner_texts()))
    page.fill("#events-filter", "")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("e")
    check(page.locator("#events-pause").get_attribute("aria-pressed") == "true", "e pauses the events")
    before = page.locator("#events-list .line").count()
    tab.press("n1", "restart")
    tab.wait("#events-count", "paused: ")
    until("more wait", lambda: not tab.text("#events-count").startswith("paused: 0"))
    check(page.locator("#events-list .line").count() == before, "a paused list stands still")
    tab.wait("#said", "restarted n1", 30)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("e")
    until("they come", lambda: page.locator("#events-list .line").count() > before)
    tab.wait("#health-words", "3 of 3 nodes run, 3 of 3 voters answer")
    # A node says something hostile: the file that it reads is not what it was.
    tab.press("n2", "stop")
    tab.wait("#node-n2", "does not run", 30)
    path = pathlib.Path(console.folder) / "cluster.yaml"
    text = path.read_text()
    path.write_text(text + f"{HOSTILE}: 1\n</script><svg/onload=1>: 2\n")
    tab.press("n2", "start")
    tab.wait("#node-n2", "ended with code 78")
    tab.wait("#log-n2", "<img src=x onerror=alert(1)>")
    tab.wait("#log-n2", "\\u202egnp.exe")
    path.write_text(text)
    check(page.locator("main img, main svg[onload]").count() == 0, "no line becomes an element")
    check("\u202e" not in page.locator("body").inner_text(), "no mark turns the text")
    tab.press("n2", "start")
    tab.wait("#health-words", "3 of 3 nodes run, 3 of 3 voters answer")


def keys(tab):
    page = tab.page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    check(page.locator("#help").is_visible(), "? shows the keys")
    page.keyboard.press("h")
    page.keyboard.press("Escape")
    check(not page.locator("#help").is_visible(), "Escape closes them")
    page.keyboard.press("2")
    check(page.evaluate("document.activeElement.id") == "node-n2", "2 goes to the second card")
    page.keyboard.press("/")
    check(page.evaluate("document.activeElement.id") == "events-filter", "/ goes to the filter")
    page.keyboard.type("e2h?")
    check(page.locator("#events-filter").input_value() == "e2h?", "keys are letters where one types")
    page.fill("#events-filter", "")
    order = page.evaluate("""() => [...document.querySelectorAll("a[href], button, input, select, [tabindex='0']")]
      .filter((one) => one.offsetParent !== null && one.tabIndex !== 0).map((one) => one.outerHTML)""")
    check(order == [], f"Tab follows the order of the page: {order}")


def accessible(browser, console):
    for scheme in ("light", "dark"):
        tab = Tab(browser, console, color_scheme=scheme, reduced_motion="reduce")
        page = tab.page
        tab.wait("#health-words", "3 of 3 nodes run, 3 of 3 voters answer")
        until("lines", lambda: page.locator("#log-n1 .line").count() > 0)
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        check(not found, f"accessibility, {scheme}: {[(one['id'], one['nodes'][0]['html'][:150]) for one in found]}")
        check(page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto", "nothing moves")
        for region in ("#live[aria-live=polite]", "main", "#said[role=status]", "#banner[role=alert]", "#asked-words[role=status]"):
            check(page.locator(region).count() == 1, f"{region} is there")
        if PICTURES:
            page.screenshot(path=str(PICTURES / f"console-{scheme}.png"), full_page=True)
        page.set_viewport_size({"width": 320, "height": 800})
        page.wait_for_timeout(100)
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        check(wide <= 320, f"320 pixels are enough: {wide}")
        if PICTURES:
            page.screenshot(path=str(PICTURES / f"console-{scheme}-320.png"), full_page=True)
        tab.close()


def reload(browser, console, tab):
    """A page loaded anew has its token; one without it says so, shows nothing, and takes it."""
    tab.page.reload()
    tab.wait("#health-words", "3 of 3 nodes run")
    bare = Tab(browser, type("Bare", (), {"page": console.origin + "/", "origin": console.origin}))
    bare.wait("#banner", "wants its token")
    check(bare.page.locator(".card").count() == 0, "without the token nothing is shown")
    bare.page.fill("#token", console.token)
    bare.page.keyboard.press("Enter")
    bare.wait("#health-words", "3 of 3 nodes run")
    check(not bare.page.locator("#banner").is_visible(), "the banner goes")
    bare.close()


def orphans(tab, console):
    """The console is killed: the page says so, and no node is left."""
    pids = console.pids()
    check(len(pids) == 3 and all(map(is_there, pids)), "three nodes run")
    started = time.monotonic()
    console.process.kill()
    console.process.wait()
    tab.wait("#banner", "does not answer")
    until("no node is left", lambda: not any(map(is_there, pids)), 10)
    return time.monotonic() - started


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flotilla-console-") as folder, sync_playwright() as playwright:
        place = f"{folder}/{HOSTILE[:4]}'x"
        refused = subprocess.run([TOOL, "console", "--listen", "0.0.0.0:7100", "--data", place], capture_output=True, text=True)
        check(refused.returncode == 64 and "this machine only" in refused.stderr, f"0.0.0.0: {refused.stderr}")
        console = Console(place)
        try:
            other = subprocess.run([TOOL, "console", "--listen", "127.0.0.1:0", "--data", place], capture_output=True, text=True)
            check(other.returncode == 73 and "another console" in other.stderr, f"a second console: {other.stderr}")
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            strangers(browser, console)
            tab = Tab(browser, console)
            leader = began(tab, console)
            same_cluster(tab, console)
            killed(tab, console, leader)
            faults(tab)
            streams(tab, console)
            keys(tab)
            accessible(browser, console)
            reload(browser, console, tab)
            tab.page.click("#stop-all")
            tab.wait("#said", "the data is kept", 30)
            tab.wait("#health-words", "0 of 3 nodes run")
            check(console.pids() == [], "all have stopped")
            tab.page.click("#start-all")
            tab.wait("#health-words", "3 of 3 nodes run, 3 of 3 voters answer")
            gone = orphans(tab, console)
            tab.close()
            browser.close()
        finally:
            console.end()
    print(f"killed with -9, the console left no node after {gone:.1f} s")
    print(f"{checks} checks passed in {time.monotonic() - started:.0f} s")


main()
