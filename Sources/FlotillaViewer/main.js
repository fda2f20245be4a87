// Keys, the address, and what happens when an event is looked at.

const main = (() => {
  const section = document.getElementById("diagram");
  let search;
  let found;
  let playing = 0;
  let lateWork = 0;

  // MARK: Selection

  /** Looks at an event by its position. */
  function select(place, isCentred) {
    if (place < 0 || place >= model.count) return;
    const old = view.selected;
    view.selected = place;
    view.light = model.cone(place);
    if (diagram.isHidden(place) || model.quiet[old] || view.filters.size > 0) diagram.buildRows();
    diagram.reveal(place, isCentred);
    panels.eventPanel(place);
    panels.markStory(model.number[place]);
    announce(`Event ${model.number[place]}, ${nodeName(model.node[place])}: ${model.sentence(place)}`);
    // What stands further down can wait until the keys rest.
    clearTimeout(lateWork);
    lateWork = setTimeout(() => {
      panels.cluster(place);
      panels.properties(model.number[place]);
      plots.moveCursors(model.time[place]);
      writeAddress();
    }, 60);
  }

  function writeAddress() {
    let text = `#e=${model.number[view.selected]}`;
    if (view.lane) text += `&n=n${view.lane}`;
    if (view.pinned >= 0) text += `&pin=${model.number[view.pinned]}`;
    if (view.showsAll) text += "&all=1";
    if (view.filters.size) text += `&only=${[...view.filters].join(",")}`;
    if (location.hash !== text) history.replaceState(null, "", text);
  }

  /** Takes up what the address says; without a word about an event, the one that matters. */
  function readAddress(isFirst) {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const number = Number(wanted.get("e"));
    view.showsAll = wanted.get("all") === "1";
    view.filters = new Set((wanted.get("only") || "").split(",").filter((name) => diagram.filters.includes(name)));
    const lane = Number((wanted.get("n") || "").replace(/^n/, ""));
    view.lane = lane >= 1 && lane <= model.nodes ? lane : 0;
    const pin = model.position(Number(wanted.get("pin")));
    view.pinned = wanted.has("pin") ? pin : -1;
    diagram.buildRows();
    showFilters();
    const place = number > 0 ? Math.min(model.at(number), model.count - 1)
      : Math.min(model.at(run.centre), model.count - 1);
    select(Math.max(0, place), true);
    if (!isFirst && number > 0 && model.position(number) < 0) {
      announce(`Event ${number} is not drawn; this is the next one that is.`);
    }
  }

  // MARK: Moving

  function step(direction, isSame) {
    const node = isSame ? view.lane || model.node[view.selected] : 0;
    let place = view.selected + direction;
    while (place >= 0 && place < model.count) {
      const fits = isSame ? model.node[place] === node : true;
      const isWorth = view.showsAll || !model.quiet[place] || view.filters.size > 0;
      const isShown = view.filters.size === 0 || !diagram.isHidden(place);
      if (fits && isWorth && isShown) return select(place);
      place += direction;
    }
    announce(direction > 0 ? "That is the last event." : "That is the first event.");
    return undefined;
  }

  function fault(direction) {
    const numbers = data.faults.map((one) => one.event)
      .concat(Array.from(model.kinds, (kind, place) =>
        ["fault", "crash", "heal"].includes(kind) ? model.number[place] : 0).filter(Boolean));
    const here = model.number[view.selected];
    const next = direction > 0 ? Math.min(...numbers.filter((number) => number > here))
      : Math.max(...numbers.filter((number) => number < here));
    if (Number.isFinite(next)) select(Math.min(model.at(next), model.count - 1), true);
    else announce(direction > 0 ? "No fault comes after this." : "No fault came before this.");
  }

  function pin() {
    view.pinned = view.pinned === view.selected ? -1 : view.selected;
    announce(view.pinned < 0 ? "The pin is taken off." : "Pinned: choose another event to compare the two.");
    diagram.buildRows();
    select(view.selected);
  }

  function play() {
    if (playing) {
      clearInterval(playing);
      playing = 0;
      announce("Stopped.");
      return;
    }
    announce("Playing.");
    playing = setInterval(() => {
      const here = view.selected;
      step(1);
      if (view.selected === here) play();
    }, 400);
  }

  // MARK: Search

  function seek(direction) {
    const text = search.value.trim().toLowerCase();
    if (text === "") return;
    const number = Number(text.replace(/,/g, ""));
    if (Number.isInteger(number) && number > 0) {
      select(Math.min(model.at(number), model.count - 1), true);
      return;
    }
    let first = -1;
    let count = 0;
    for (let offset = 1; offset <= model.count; offset += 1) {
      const place = (view.selected + direction * offset + model.count * 2) % model.count;
      if (!`${nodeName(model.node[place])} ${model.sentence(place)}`.toLowerCase().includes(text)) continue;
      count += 1;
      if (first < 0) first = place;
    }
    found.textContent = `${grouped(count)} found`;
    if (first >= 0) select(first, true);
  }

  // MARK: The tools above the diagram

  const filterButtons = new Map();

  function showFilters() {
    for (const [name, button] of filterButtons) {
      const isOn = name === "all" ? view.showsAll : name === "dim" ? view.dims : view.filters.has(name);
      button.setAttribute("aria-pressed", String(isOn));
    }
  }

  function toggle(name) {
    if (name === "all") view.showsAll = !view.showsAll;
    else if (name === "dim") view.dims = !view.dims;
    else if (view.filters.has(name)) view.filters.delete(name);
    else view.filters.add(name);
    showFilters();
    diagram.buildRows();
    select(view.selected, true);
  }

  function tools() {
    const button = (name, label, title) => {
      const element = make("button", {
        type: "button", "aria-pressed": "false", title, on: { click: () => toggle(name) },
      }, label);
      filterButtons.set(name, element);
      return element;
    };
    search = make("input", {
      type: "search", id: "search", placeholder: "word or event number", "aria-label": "Search events",
      on: {
        keydown: (event) => {
          if (event.key === "Enter") { seek(event.shiftKey ? -1 : 1); event.preventDefault(); }
          if (event.key === "Escape") { diagram.scroller.focus(); event.preventDefault(); }
          event.stopPropagation();
        },
      },
    });
    found = make("span", { class: "note", "aria-live": "polite" });
    return make("div", { class: "tools", role: "toolbar", "aria-label": "What is shown" },
      make("button", { type: "button", on: { click: () => violation() } },
        run.verdict === "PASS" ? "Go to the end" : "Go to the violation"),
      search, found, make("span", { class: "tools-label" }, "only"),
      diagram.filters.map((name) => button(name, name, `Show only ${name}`)),
      button("all", "every event", "Show heartbeats and quiet ticks one by one"),
      button("dim", "light cone", "Fade what neither led to the chosen event nor follows from it"));
  }

  function legend() {
    const lane = (letter, words) => [make("span", { class: `swatch lane-swatch-${letter === "#" ? "X" : letter}` }, letter), ` ${words}  `];
    return make("details", { class: "legend-box" }, make("summary", {}, "Legend"),
      make("p", { class: "legend" }, lane("L", "leader"), lane("F", "follower"), lane("P", "pre-candidate"),
        lane("C", "candidate"), lane("N", "learner"), lane("#", "crashed"),
        "the number is the term"),
      make("ul", {},
        make("li", {}, "A line with a point is a message, from its sending to its arrival; ✕ is where it ended otherwise (with a bar: at a cut link). Dashes: votes; dots: heartbeats; double: a second copy."),
        make("li", {}, "Right of a lane ○ is where the disk was asked to write, ● where that was durable, ✕ where a crash has lost it."),
        make("li", {}, "+7 the log has grown to entry 7, −7 it was cut from entry 7 on, ✓7 entries through 7 are committed, a diamond is a snapshot."),
        make("li", {}, "The green line steps through where each node knew what the chosen node has committed."),
        make("li", {}, "Shaded bands are faults; brackets at the left are cuts, with the sides that do not hear each other."),
        make("li", {}, "A notch in a lane is where the node's clock jumps."),
        make("li", {}, "⋯ are heartbeats and ticks that changed nothing, folded: click or press h to see them.")));
  }

  // MARK: Help

  const keys = [
    ["j  k", "next, previous event"], ["J  K", "next, previous event of this node"],
    ["[  ]", "previous, next fault"], ["v", "the violation"], ["/", "search; Enter for the next, Shift+Enter back"],
    [".", "play, and stop"], ["m", "pin this event, to compare it with another"],
    ["1 … 9", "stay on this node with J and K; 0 for none"], ["h", "show every heartbeat and tick"],
    ["c", "fade all that is not in the light cone"], ["Esc", "take off the pin"], ["?", "these keys"],
  ];

  function help() {
    const dialog = document.getElementById("help");
    if (dialog.open) { dialog.close(); return; }
    dialog.replaceChildren(
      make("h2", { id: "help-title" }, "Keys"),
      table("Keys", ["key", "does"], keys.map(([key, words]) => [make("kbd", {}, key), words])),
      make("p", { class: "note" }, "The address of the page holds the event that is looked at: copy it to show somebody."),
      make("button", { type: "button", on: { click: () => dialog.close() } }, "Close"));
    dialog.showModal();
  }

  const violation = () => select(Math.min(model.at(run.event), model.count - 1), true);

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(input|select|textarea)$/i.test(event.target.tagName)) return;
    const actions = {
      j: () => step(1), k: () => step(-1), J: () => step(1, true), K: () => step(-1, true),
      "[": () => fault(-1), "]": () => fault(1), v: violation, ".": play, "?": help, m: pin,
      h: () => toggle("all"), c: () => toggle("dim"), "/": () => { search.focus(); search.select(); },
      Escape: () => { if (view.pinned >= 0) { view.selected = view.pinned; pin(); } },
    };
    const isOnList = event.target === diagram.scroller;
    if (isOnList) {
      actions.ArrowDown = () => step(1);
      actions.ArrowUp = () => step(-1);
      actions.Home = () => select(0, true);
      actions.End = () => select(model.count - 1, true);
      actions.Enter = pin;
    }
    if (/^[0-9]$/.test(event.key) && Number(event.key) <= model.nodes) {
      view.lane = Number(event.key);
      announce(view.lane ? `On n${view.lane}.` : "On no node.");
      diagram.draw();
      writeAddress();
      event.preventDefault();
    } else if (actions[event.key]) {
      if (document.getElementById("help").open && event.key !== "?") return;
      actions[event.key]();
      event.preventDefault();
    }
  }

  function click(event) {
    const link = event.target.closest("a[data-event]");
    if (link) {
      event.preventDefault();
      select(Math.min(model.at(Number(link.dataset.event)), model.count - 1), true);
      if (!section.contains(link)) section.scrollIntoView({ block: "start" });
      return;
    }
    const row = event.target.closest(".row");
    if (!row) return;
    if (row.dataset.fold) select(Number(row.dataset.fold));
    else if (event.shiftKey) { select(Number(row.dataset.place)); pin(); } else select(Number(row.dataset.place));
  }

  // MARK: Start

  function start() {
    panels.verdict();
    panels.story();
    fill(section, {}, [
      heading("diagram", "Space-time diagram",
        `${grouped(model.count)} events; time downwards, a lane for each node`), tools(), legend(),
    ]);
    const columns = make("div", { class: "columns" });
    const board = make("div", { class: "board-place" });
    columns.append(board, make("aside", { id: "at-event", "aria-label": "The chosen event" }));
    section.append(columns);
    diagram.build(board);
    document.addEventListener("keydown", key);
    document.addEventListener("click", click);
    document.getElementById("help-button").addEventListener("click", help);
    window.addEventListener("hashchange", () => readAddress(false));
    readAddress(true);
    window.flotilla = { model, view, select };
    document.documentElement.dataset.ready = "yes";
    window.addEventListener("beforeprint", () => { while (later.length > 0) nextLater(); });
    setTimeout(goOn);
  }

  /** What stands below the diagram: drawn once the diagram is there and the keys work. */
  const later = [plots.clients, plots.latency, plots.machines, panels.environment, panels.raw];

  function nextLater() {
    later.shift()();
    if (later.length > 0) return;
    plots.moveCursors(model.time[view.selected]);
    document.documentElement.dataset.complete = "yes";
  }

  function goOn() {
    if (later.length === 0) return;
    nextLater();
    setTimeout(goOn);
  }

  return { start, select };
})();

main.start();
