"""Opens reports in Chromium and checks what a person would: see .ci/report."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

TOOL = pathlib.Path(sys.argv[1]).resolve()
PICTURES = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None

# A recording can hold anything: whoever attaches one to a report may be no friend.
HOSTILE = [
    "</script><script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 2'>",
    "\u2028window.hit = 3\u2029",
    "\u202egnp.exe\u202c",
    "{{script}} ${window.hit = 4} \\u003c/script>",
    "<!--<script>",
    '"><svg onload=window.hit=5>',
]

checks = 0


def check(holds, words):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"report: {words}")


def flotilla(*arguments, at):
    result = subprocess.run([TOOL, *arguments], cwd=at, capture_output=True, text=True)
    check(result.returncode in (0, 1, 3), f"{' '.join(arguments)}: {result.stderr}")
    return result.stdout


def hostile_trace(folder):
    """A copy of a recording with other words in it, so that this code departs from it."""
    lines = (folder / "trace.jsonl").read_text().splitlines()
    changed = [lines[0]]
    for number, line in enumerate(lines[1:400]):
        event = json.loads(line)
        if "event" in event:
            event["text"] = HOSTILE[number % len(HOSTILE)] + "; " + event["text"]
            event["digest"] = "0123456789abcdef"
        changed.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
    path = folder.parent.parent / "hostile.jsonl"
    path.write_text("\n".join(changed) + "\n")
    return path.name


class Browser:
    """A page that remembers everything that went wrong on it."""

    def __init__(self, browser, path, address="", **options):
        self.context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
        self.page = self.context.new_page()
        self.wrong = []
        self.asked = []
        page = self.page
        page.on("console", lambda one: self.wrong.append(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda one: self.wrong.append(str(one)))
        page.on("request", lambda one: self.asked.append(one.url))
        page.on("dialog", lambda one: (self.wrong.append("a dialog"), one.dismiss()))
        start = time.monotonic()
        page.goto(path.as_uri() + address)
        page.wait_for_selector("html[data-ready=yes]", timeout=20_000)
        self.seconds = time.monotonic() - start
        page.wait_for_selector("html[data-complete=yes]", timeout=20_000)

    @property
    def event(self):
        return self.page.evaluate("flotilla.model.number[flotilla.view.selected]")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def close(self, name):
        files = [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]
        check(not files, f"{name} asks the network: {files[:3]}")
        check(not self.wrong, f"{name}: {self.wrong[:3]}")
        self.context.close()


def keys(browser, path):
    tab = Browser(browser, path)
    page = tab.page
    last = tab.event
    tab.press("k")
    check(tab.event < last, "k goes to the event before")
    before = tab.event
    tab.press("j")
    check(tab.event > before, "j goes to the next event")
    tab.press("[", "[")
    fault = tab.event
    check(fault < last, "[ goes to the fault before")
    kind = page.evaluate("flotilla.model.kinds[flotilla.view.selected]")
    check(kind in ("fault", "crash", "heal"), f"[ goes to a fault, not to a {kind}")
    tab.press("]")
    check(tab.event > fault, "] goes to the next fault")
    tab.press("v")
    check(tab.event == page.evaluate("JSON.parse(document.getElementById('data').textContent).run.event"),
          "v goes to the violation")
    tab.press("2", "K")
    check(page.evaluate("flotilla.model.node[flotilla.view.selected]") == 2, "2 and K stay on n2")
    first = tab.event
    tab.press("K", "J")
    check(tab.event == first, "J undoes K")
    page.wait_for_timeout(150)
    check(page.url.endswith(f"#e={first}&n=n2"), f"the address holds the state: {page.url}")
    tab.press("/")
    check(page.evaluate("document.activeElement.id") == "search", "/ goes to the search")
    page.keyboard.type("leads term")
    tab.press("Enter", "Escape")
    words = page.evaluate("flotilla.model.sentence(flotilla.view.selected)")
    check("leads term" in words, f"the search finds a leader: {words}")
    tab.press("?")
    check(page.locator("#help").is_visible(), "? shows the keys")
    tab.press("Escape")
    check(not page.locator("#help").is_visible(), "Escape closes the keys")
    tab.press("m", "k")
    text = page.locator("#at-event").inner_text()
    check("happened before" in text or "is concurrent with" in text, "two pins are compared")
    tab.press("Escape", "h")
    rows = page.evaluate("flotilla.view.rows.length")
    tab.press("h")
    check(page.evaluate("flotilla.view.rows.length") < rows, "h unfolds the heartbeats")
    link = page.locator(".story a").first
    number = int(link.get_attribute("data-event"))
    link.click()
    check(tab.event == number, "a sentence leads to its event")
    before = tab.event
    tab.press(".")
    page.wait_for_timeout(1000)
    tab.press(".")
    check(tab.event > before, ". plays")
    tab.close("the report")


def links(browser, path):
    tab = Browser(browser, path, "#e=900&n=n3")
    number = tab.event
    check(900 <= number < 910, f"the address opens event 900, not {number}")
    check(tab.page.evaluate("flotilla.view.lane") == 3, "the address opens n3")
    tab.page.evaluate("location.hash = '#e=500'")
    tab.page.wait_for_timeout(100)
    check(500 <= tab.event < 510, "a new address is followed")
    tab.close("a link")
    tab = Browser(browser, path, "#e=x%00&n=%3Cb%3E&only=nonsense&pin=-1")
    check(tab.event > 0, "a broken address opens the end")
    tab.close("a broken link")


def jumps(browser, folder):
    """A clock that jumps cuts a notch into its lane, which is drawn upon it and not beneath."""
    events = map(json.loads, (folder / "trace.jsonl").read_text().splitlines()[1:])
    number = next(one["event"] for one in events
                  if one.get("kind") == "fault" and one["text"].startswith("clockJump n2"))
    tab = Browser(browser, folder / "report.html", f"#e={number}")
    check(tab.page.locator(".notch").count() > 0, f"a notch is drawn at event {number}")
    is_upon = tab.page.evaluate("""() => {
        const notch = document.querySelector(".notch");
        return [...document.querySelectorAll(".lane")].every((lane) =>
            lane.compareDocumentPosition(notch) & Node.DOCUMENT_POSITION_FOLLOWING);
    }""")
    check(is_upon, "a notch lies upon its lane")
    tab.close("a clock's jump")


def hostile(browser, path):
    text = path.read_text(encoding="utf-8")
    check(text.count("</script>") == 2 and text.count("<img") == 0, "no markup comes from the data")
    check("\u2028" not in text and "\u2029" not in text, "no separator of lines comes from the data")
    tab = Browser(browser, path, "#e=20")
    page = tab.page
    for _ in range(30):
        tab.press("j")
    check(page.evaluate("window.hit") is None, "nothing in the data runs")
    check(page.locator("img").count() == 0, "nothing in the data becomes an element")
    check(page.locator("svg[onload]").count() == 0, "nothing in the data becomes a drawing")
    shown = page.locator("#events").inner_text()
    check("<img src=x onerror" in shown or "</script><script>" in shown, "the data is shown as it is")
    check("\u202e" not in page.content().split('id="data"')[0], "no mark turns the text")
    check("no longer does what was recorded" in page.locator("#words").inner_text(),
          "a recording by other code says so")
    tab.close("the hostile report")


def fluid(browser, path):
    size = path.stat().st_size
    check(size < 3_000_000, f"a long run fits in 3 MB: {size:,}")
    tab = Browser(browser, path)
    page = tab.page
    drawn = page.evaluate("flotilla.model.count")
    check(drawn >= 9_000, f"ten thousand events are drawn: {drawn}")
    check("events are not in" in page.locator("#words").inner_text(), "the banner says what is left out")
    opened = tab.seconds
    for everything in (False, True):
        if everything:
            tab.press("h")
        figures = page.evaluate("""async () => {
          const list = document.getElementById("events");
          const times = [];
          list.scrollTop = 0;
          const step = Math.max(400, list.scrollHeight / 120);
          await new Promise((done) => {
            let last = performance.now();
            const frame = (now) => {
              times.push(now - last);
              last = now;
              list.scrollTop += step;
              if (times.length < 120) requestAnimationFrame(frame);
              else done();
            };
            requestAnimationFrame(frame);
          });
          times.sort((a, b) => a - b);
          return { median: times[60], worst: times[118], elements: document.querySelectorAll("*").length };
        }""")
        # Generous: what is not bounded by the window takes seconds here.
        check(figures["median"] < 250, f"a frame takes {figures['median']:.0f} ms")
        check(figures["elements"] < 60_000, f"the page has {figures['elements']} elements")
    start = time.monotonic()
    for _ in range(40):
        tab.press("k")
    stepped = (time.monotonic() - start) / 40
    check(stepped < 1, f"a key takes {stepped:.2f} s")
    tab.close("the long report")
    return size, drawn, opened, figures, stepped


def accessible(browser, path):
    for scheme in ("light", "dark"):
        tab = Browser(browser, path, color_scheme=scheme)
        result = Axe().run(tab.page, options={"resultTypes": ["violations"]})
        found = [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in result.response["violations"]]
        check(not found, f"accessibility, {scheme}: {found}")
        names = tab.page.evaluate("""() => [...document.querySelectorAll("button, input, select, [role=listbox]")]
          .filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length)).length""")
        check(names == 0, "every control has a name")
        active = tab.page.locator("#events").get_attribute("aria-activedescendant")
        check(active and tab.page.locator(f"#{active}").get_attribute("aria-selected") == "true",
              "the list names the chosen event")
        if PICTURES:
            tab.page.screenshot(path=str(PICTURES / f"report-{scheme}.png"))
        tab.page.emulate_media(media="print")
        check(not tab.page.locator(".tools").is_visible(), "paper shows no buttons")
        check(tab.page.locator("#words").is_visible(), "paper shows the story")
        tab.close("the page")


def exports(root, name):
    flotilla("report", name, "--format", "shiviz", "--out", "shiviz.log", at=root)
    lines = (root / "shiviz.log").read_text().splitlines()
    check(len(lines) % 2 == 0 and len(lines) > 200, "ShiViz: two lines for each event")
    own = {}
    for line in lines[1::2]:
        match = re.fullmatch(r"(\S*) ({.*})", line)
        check(match, f"ShiViz: {line}")
        clock = json.loads(match[2])
        host = match[1]
        check(clock[host] == own.get(host, 0) + 1, f"ShiViz: {host} counts its own events: {line}")
        own[host] = clock[host]
        check(all(clock[other] <= own.get(other, 0) for other in clock), f"ShiViz: {line} knows the future")
    flotilla("report", name, "--format", "perfetto", "--out", "perfetto.json", at=root)
    items = json.loads((root / "perfetto.json").read_text())["traceEvents"]
    starts = {one["id"] for one in items if one["ph"] == "s"}
    ends = [one for one in items if one["ph"] == "f"]
    check(len(ends) > 100 and all(one["id"] in starts for one in ends), "Perfetto: arrows have beginnings")
    check(all(one.get("ts", 0) >= 0 for one in items), "Perfetto: times")


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flotilla-report-") as place, sync_playwright() as playwright:
        root = pathlib.Path(place)
        flotilla("simulate", "--seed", "7", "--keep", "all", at=root)
        short = root / "runs/00000007/report.html"
        flotilla("simulate", "--seed", "11", "--keep", "all", "--until", "40s", "--operations", "1500",
                 "--runs", "long", at=root)
        scenarios = pathlib.Path(__file__).resolve().parent.parent / "Simulations/Scenarios"
        flotilla("simulate", "--scenario", str(scenarios / "clock-jumps.yaml"), "--seed", "3",
                 "--keep", "all", "--runs", "jumps", at=root)
        flotilla("report", hostile_trace(short.parent), "--out", "hostile.html", at=root)
        exports(root, "runs/00000007")
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        keys(browser, short)
        links(browser, short)
        jumps(browser, root / "jumps/00000003")
        hostile(browser, root / "hostile.html")
        accessible(browser, short)
        size, drawn, opened, figures, stepped = fluid(browser, root / "long/0000000b/report.html")
        browser.close()
    print(f"a long run: {size:,} bytes, {drawn:,} events drawn, open in {opened:.2f} s, "
          f"frames median {figures['median']:.0f} ms, worst {figures['worst']:.0f} ms, "
          f"a key {stepped * 1000:.0f} ms")
    print(f"{checks} checks passed in {time.monotonic() - started:.0f} s")


main()
