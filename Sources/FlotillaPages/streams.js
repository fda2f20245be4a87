// What happens and what nodes log, line by line, with a filter and a pause.

const streams = (() => {
  /** How many lines a list holds. */
  const kept = 400;
  const panes = new Map();

  const clock = (milliseconds) => {
    const time = new Date(Number(milliseconds));
    const two = (number) => String(number).padStart(2, "0");
    return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  };

  /** A list that follows its end as long as nobody has scrolled away from it. */
  function follower(list, controls) {
    let all = [];
    let waiting = [];
    let fresh = [];
    let isPlanned = false;

    const isShown = (line) => {
      const filter = controls.filter();
      return filter === "" || line.text.toLowerCase().includes(filter);
    };

    function show(lines) {
      const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
      for (const line of lines) if (isShown(line)) list.append(line.draw());
      while (list.childElementCount > kept) list.firstElementChild.remove();
      if (isAtEnd) list.scrollTop = list.scrollHeight;
    }

    function flush() {
      isPlanned = false;
      all = all.concat(fresh).slice(-kept);
      if (controls.isPaused()) waiting = waiting.concat(fresh).slice(-kept);
      else show(fresh);
      fresh = [];
      controls.count();
    }

    return {
      get waiting() { return waiting.length; },
      add(line) {
        fresh.push(line);
        if (isPlanned) return;
        isPlanned = true;
        setTimeout(flush, 60);
      },
      resume() { show(waiting); waiting = []; },
      /** Anew, because the filter is another one; what came during a pause stays away. */
      redraw() {
        list.replaceChildren();
        show(all.slice(0, all.length - waiting.length));
        list.scrollTop = list.scrollHeight;
      },
    };
  }

  function controls(name, followers) {
    const place = (id) => document.getElementById(`${name}-${id}`);
    let isPaused = false;
    const one = {
      isPaused: () => isPaused,
      filter: () => place("filter").value.trim().toLowerCase(),
      count() {
        const waiting = followers().reduce((sum, list) => sum + list.waiting, 0);
        cards.setText(place("count"), isPaused ? `paused: ${waiting} more` : "");
      },
      toggle() {
        isPaused = !isPaused;
        place("pause").setAttribute("aria-pressed", String(isPaused));
        if (!isPaused) for (const list of followers()) list.resume();
        one.count();
      },
    };
    place("pause").addEventListener("click", one.toggle);
    place("filter").addEventListener("input", () => { for (const list of followers()) list.redraw(); });
    return one;
  }

  let events = null;
  const eventControls = controls("events", () => (events ? [events] : []));
  events = follower(document.getElementById("events-list"), eventControls);
  const logControls = controls("logs", () => [...panes.values()].map((pane) => pane.list));

  const spoken = new Set([
    "leader", "noLeader", "moved", "killed", "failed", "stopped", "fault", "healed", "gone",
  ]);

  function addEvent(event) {
    events.add({
      text: `${event.event} ${event.node || ""} ${event.detail}`,
      draw: () => make(
        "div", { class: "line", "data-kind": plain(event.event) }, make("time", {}, clock(event.timeMs)), " ",
        make("b", {}, event.event), " ", event.detail),
    });
    // What is long past is not read out.
    if (spoken.has(event.event) && Date.now() - Number(event.timeMs) < 5000) announce(event.detail);
  }

  /** A line of a node: its parts where it is a document, else as it is. */
  function drawLine(text) {
    let parts = null;
    try { parts = JSON.parse(text); } catch { /* Then it is shown as it is. */ }
    if (parts === null || typeof parts !== "object" || typeof parts.message !== "string") {
      return make("div", { class: "line" }, text);
    }
    const { time, level, event, message, ...others } = parts;
    const rest = Object.entries(others).map(([name, value]) =>
      `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
    const isLoud = ["warning", "error", "critical"].includes(level);
    return make(
      "div", { class: "line" }, make("time", {}, String(time || "").slice(11, 23)), " ",
      isLoud ? make("span", { class: level }, `${level} `) : null,
      event ? make("b", {}, String(event), " ") : null, message, " ",
      make("span", { class: "rest" }, rest));
  }

  function pane(name) {
    if (panes.has(name)) return panes.get(name);
    const lines = make("div", {
      class: "lines", role: "log", "aria-live": "off", tabindex: "0", id: `log-${name}`,
      "aria-label": `Log of ${name}`,
    });
    const one = { lines, code: make("code"), element: make("section", { class: "pane" }) };
    one.list = follower(lines, logControls);
    one.element.append(make("h3", {}, name, " ", one.code), lines);
    panes.set(name, one);
    return one;
  }

  function addLine(line) {
    pane(line.node).list.add({ text: line.line, draw: () => drawLine(line.line) });
  }

  function draw(state) {
    const place = document.getElementById("panes");
    for (const node of state.nodes) {
      const one = pane(node.node);
      cards.setCode(one.code, node.commands.log);
      if (one.element.parentNode !== place) place.append(one.element);
    }
    cards.setCode(document.getElementById("events-command"), state.commands.events);
  }

  return { addEvent, addLine, draw, eventControls, logControls };
})();
