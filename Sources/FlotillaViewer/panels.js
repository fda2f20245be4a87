// What stands around the diagram: the verdict, the story, the cluster at an event, the properties,
// the surroundings.

const panels = (() => {
  const section = (id) => document.getElementById(id);

  // MARK: The verdict and the story

  function verdict() {
    const isGood = run.verdict === "PASS";
    const facts = [
      ["seed", run.seed], ["scenario", run.scenario], ["code", run.code],
      ["digest", run.digest || "not known"], ["fingerprint", run.fingerprint],
    ].filter((fact) => fact[1]);
    fill(section("verdict"), {}, [
      make("div", { class: `badge ${isGood ? "good" : "bad"}` },
        `${isGood ? "✓" : "✖"} ${run.verdict}`),
      make("div", { class: "claim" },
        make("h1", {}, run.property ? `${run.property} ` : `Run ${run.seed} `,
          run.section ? make("small", {}, `(${run.section})`) : null),
        run.sentence ? make("p", { class: "sentence" }, linked(run.sentence)) : null,
        make("dl", { class: "facts" }, facts.map(([name, value]) => [
          make("dt", {}, name), make("dd", {}, make("code", {}, value))]),
        make("dt", {}, isGood ? "ends at" : "shows at"),
        make("dd", {}, eventLink(run.event), ` t=${seconds(timeOf(run.event))}`))),
      make("div", { class: "actions" },
        copyButton("Copy replay command", run.replay), copyButton("Copy regression test", run.test),
        make("button", { type: "button", id: "help-button" }, "Keys ?")),
    ]);
  }

  const timeOf = (number) => model.time[Math.min(model.at(number), model.count - 1)] || 0;

  function story() {
    const banners = [];
    if (run.warning) banners.push(make("p", { class: "banner" }, run.warning));
    if (run.eventsDrawn < run.eventsInAll) {
      banners.push(make("p", { class: "banner" },
        `${grouped(run.eventsInAll - run.eventsDrawn)} of ${grouped(run.eventsInAll)} events are not in `
        + `this file: it holds what led to event ${grouped(run.centre)}, the newest first, what lies `
        + "around it, and the landmarks of the whole run. For another part: ",
        make("code", {}, `${run.redraw} EVENT`)));
    }
    fill(section("words"), {}, [
      heading("words", "What happened, in words", "what led here, in the order of time"),
      banners,
      make("ol", { class: "story" }, data.story.map((clue) => make(
        "li", { class: clue.suspicious ? "suspicious" : null, "data-story": clue.event },
        make("span", { class: "story-time" }, `t=${seconds(timeOf(clue.event))}`),
        make("span", {}, linked(clue.text), " ", eventLink(clue.event),
          clue.more.slice(0, 6).map((other) => [" ", eventLink(other, grouped(other))]),
          clue.suspicious && clue.event !== run.event
            ? make("strong", { class: "flag" }, " ◀ look here") : null)))),
    ]);
  }

  function markStory(number) {
    for (const item of document.querySelectorAll("[data-story]")) {
      item.classList.toggle("current", Number(item.dataset.story) === number);
    }
  }

  // MARK: The event that is looked at

  function eventPanel(place) {
    const number = model.number[place];
    const target = section("at-event");
    const message = model.heardBy.get(number);
    const because = [];
    if (model.from[place] >= 0) because.push(model.from[place]);
    if (model.before[place] >= 0) because.push(model.before[place]);
    const follows = [...(model.leadsTo[place] || [])];
    if (model.next[place] >= 0) follows.push(model.next[place]);
    const links = (places) => places.length === 0 ? [make("li", {}, "none that is drawn")]
      : places.slice(0, 8).map((other) => make("li", {}, eventLink(model.number[other]),
        ` ${nodeName(model.node[other])}: ${shortened(model.sentence(other), 90)}`));
    refill(target,
      make("h3", {}, `Event ${grouped(number)}`, make("small", {},
        ` t=${seconds(model.time[place], 6)} ${model.kinds[place]}`
        + (model.node[place] ? ` on n${model.node[place]}` : ""))),
      make("ul", { class: "said" }, model.sentence(place).split("; ").map((part) => make("li", {}, linked(part)))),
      message ? make("p", { class: "note" },
        `The message was under way for ${span(message.arrivalTime - message.sentTime)}.`) : null,
      make("h4", {}, "Because of"), make("ul", {}, links(because)),
      make("h4", {}, "Leads to"), make("ul", {}, links(follows)),
      pinned(place));
  }

  const shortened = (text, length) => text.length > length ? `${text.slice(0, length - 1)}…` : text;

  function pinned(place) {
    if (view.pinned < 0 || view.pinned === place) return null;
    const [first, second] = [view.pinned, place].sort((a, b) => a - b);
    const light = model.cone(second)[first];
    const words = light === 1 ? "happened before" : "is concurrent with";
    const clock = (one) => model.clock(one).map((at, node) => `n${node + 1}:${at || "–"}`).join(" ");
    return make("div", { class: "pins", role: "note" },
      make("p", {}, eventLink(model.number[first]), make("strong", {}, ` ${words} `), eventLink(model.number[second])),
      make("p", { class: "note" }, "The newest event of each node that led to it:"),
      make("dl", { class: "facts" },
        make("dt", {}, grouped(model.number[first])), make("dd", {}, make("code", {}, clock(first))),
        make("dt", {}, grouped(model.number[second])), make("dd", {}, make("code", {}, clock(second)))));
  }

  // MARK: The cluster

  const variables = [
    ["role", (state) => RoleName[state.role]], ["currentTerm", (state) => state.term],
    ["votedFor", (state) => nodeName(state.votedFor)], ["log ends", (state) => `${state.last}:${state.lastTerm}`],
    ["durable", (state) => state.durable], ["commitIndex", (state) => state.commitIndex],
    ["lastApplied", (state) => state.lastApplied], ["snapshot", (state) => state.snapshot],
    ["leader", (state) => nodeName(state.leader)],
    ["members", (state) => `${state.members} @${state.membersSince}`],
  ];

  function cluster(place) {
    const number = model.number[place];
    const before = place > 0 ? model.number[place - 1] : 0;
    const nodes = Array.from({ length: model.nodes }, (_, node) => node + 1);
    const rows = variables.map(([name, value]) => [
      name, ...nodes.map((node) => cell(node, number, before, value))]);
    const leaders = nodes.filter((node) => {
      const state = model.state(node, number);
      return state && state.role === 1;
    });
    refill(section("cluster"),
      heading("cluster", "The cluster at this event",
        `after event ${grouped(number)}; what it changed is shown as before → after`),
      make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "State of every node" },
        table("Figure 2's variables of every node", ["variable", ...nodes.map((node) => `n${node}`)], rows,
          { class: "variables" })),
      leaders.map((node) => progressTable(node, number)),
      logGrid(number, nodes));
  }

  function cell(node, number, before, value) {
    const now = model.state(node, number);
    const then = model.state(node, before);
    if (!now) return make("td", {}, "–");
    const text = String(value(now));
    if (!then || String(value(then)) === text) return make("td", {}, text);
    return make("td", { class: "changed" }, make("del", {}, String(value(then))), " → ", make("ins", {}, text));
  }

  function progressTable(node, number) {
    const list = model.progress(node, number);
    if (list.length === 0) return null;
    return make("div", { class: "wide" }, table(
      `How leader n${node} sees the others`, ["node", "nextIndex", "matchIndex", "state"],
      list.map(([other, next, match, state]) => [`n${other}`, next, match, state]),
      { class: "progress", showCaption: true }));
  }

  const wanted = Number((/:i(\d+)/.exec(run.fingerprint || "") || [])[1] || 0);

  /** The logs beside each other, around the entry that matters. */
  function logGrid(number, nodes) {
    const logs = nodes.map((node) => ({ node, log: model.log(node, number), state: model.state(node, number) }))
      .filter((one) => one.state);
    const last = Math.max(0, ...logs.map((one) => one.log.last));
    if (last === 0) return make("p", { class: "note" }, "All logs are empty.");
    const isNear = wanted > 0 && wanted <= last + 4;
    const end = isNear ? Math.min(last, Math.max(wanted + 10, 24)) : last;
    const start = Math.max(1, end - 23);
    const indexes = Array.from({ length: end - start + 1 }, (_, place) => start + place);
    const rows = logs.map(({ node, log, state }) => ({
      cells: [`n${node}`, ...indexes.map((index) => logCell(index, log, state, logs))],
    }));
    return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Logs" },
      table("The logs: the term of every entry", ["index", ...indexes.map((index) =>
        make("span", { class: index === wanted ? "wanted" : null }, String(index)))], rows,
        { class: "logs", showCaption: true }),
      make("p", { class: "legend" },
        make("span", { class: "entry committed" }, "3"), " committed  ",
        make("span", { class: "entry" }, "3"), " on the disk  ",
        make("span", { class: "entry memory" }, "3"), " only in memory  ",
        make("span", { class: "entry differs" }, "3"), " not the same on all  ",
        make("span", { class: "entry compacted" }, "·"), " in the snapshot"));
  }

  function logCell(index, log, state, logs) {
    if (index <= log.base) {
      return make("td", {}, make("span", { class: "entry compacted", title: "in the snapshot" }, "·"));
    }
    const term = model.termAt(log, index);
    if (term === 0 || index > log.last) return make("td", {}, "");
    const isOther = logs.some((other) => {
      const there = index > other.log.base && index <= other.log.last ? model.termAt(other.log, index) : term;
      return there !== term;
    });
    const classes = ["entry"];
    const words = [`entry ${index} of term ${term}`];
    if (index <= state.commitIndex) { classes.push("committed"); words.push("committed"); }
    if (index > state.durable) { classes.push("memory"); words.push("only in memory"); }
    if (isOther) { classes.push("differs"); words.push("differs from another node's"); }
    const span = make("span", { class: classes.join(" "), title: words.join(", ") }, String(term),
      make("span", { class: "unseen" }, ` ${words.slice(1).join(", ")}`));
    span.style.setProperty("--hue", termHue(term));
    return make("td", {}, span);
  }

  // MARK: Properties

  function properties(number) {
    const rows = data.properties.map((property) => {
      const isBroken = property.brokenAt !== null && number >= property.brokenAt;
      return {
        class: property.brokenAt !== null ? "broken" : null,
        cells: [
          make("span", {}, property.title, make("small", {}, ` ${property.id}`)), property.section,
          grouped(property.steps),
          property.brokenAt !== null ? eventLink(property.brokenAt) : "never",
          isBroken ? make("strong", { class: "bad-word" }, "✖ broken") : "✓ holds",
        ],
      };
    });
    rows.sort((a, b) => (b.class ? 1 : 0) - (a.class ? 1 : 0));
    const reached = data.situations.filter((one) => one[1] > 0);
    const missing = data.situations.filter((one) => one[1] === 0);
    const stable = section("properties").querySelector("details");
    const isOpen = stable ? stable.open : false;
    refill(section("properties"),
      heading("properties", "Properties",
        `${data.properties.length} always, ${reached.length} of ${data.situations.length} situations reached`),
      make("details", { open: isOpen || run.verdict === "VIOLATED" },
        make("summary", {}, "What must always hold"),
        make("div", { class: "wide" }, table("Properties", ["property", "section", "checked", "first broken", "here"], rows))),
      make("details", {}, make("summary", {}, "Situations reached, and those that were not"),
        make("ul", { class: "situations" },
          reached.map(([name, count, first]) => make("li", {}, `${name} × ${grouped(count)} `, eventLink(first))),
          missing.map(([name]) => make("li", { class: "missing" }, `${name}: never reached`)))));
  }

  // MARK: Surroundings

  function environment() {
    const environment = data.environment;
    const strange = environment.counters.filter((one) => one[2] && one[1] > 0);
    fill(section("environment"), {}, [
      heading("environment", "Environment", "what the seed drew, and what was counted"),
      make("p", {}, environment.size.join(" · ")), make("p", {}, environment.drawn.join(" · ")),
      make("p", {}, environment.liveness.join(" · ")),
      strange.length > 0 ? make("p", { class: "banner" },
        `Should be zero and is not: ${strange.map(([name, value]) => `${name} ${value}`).join(", ")}`) : null,
      make("details", {}, make("summary", {}, "Counters"),
        make("div", { class: "wide" }, table("Counters", ["counter", "value"],
          environment.counters.map(([name, value]) => [name, grouped(value)])))),
      make("details", {}, make("summary", {}, "Settings"),
        make("div", { class: "wide" }, table("Settings", ["setting", "value"], environment.settings))),
      make("details", {}, make("summary", {}, "Scenario, fully expanded"),
        make("pre", { tabindex: "0" }, run.scenarioText)),
    ]);
  }

  function raw() {
    const save = (name, text, kind) => {
      const link = make("a", { download: name, href: URL.createObjectURL(new Blob([text], { type: kind })) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    };
    fill(section("raw"), {}, [
      heading("raw", "Raw data", "all that this page knows is in this file"),
      make("p", {},
        make("button", { type: "button", on: { click: () =>
          save(`${run.seed}.report.json`, JSON.stringify(data), "application/json") } }, "Download the data as JSON"),
        " ",
        make("button", { type: "button", on: { click: () => {
          const lines = [];
          for (let place = 0; place < model.count; place += 1) {
            lines.push(JSON.stringify({
              event: model.number[place], time: model.time[place],
              node: model.node[place] ? `n${model.node[place]}` : null, kind: model.kinds[place],
              text: model.sentence(place),
            }));
          }
          save(`${run.seed}.events.jsonl`, lines.join("\n"), "application/jsonl");
        } } }, "Download the events as JSON lines")),
      make("p", { class: "note" }, `Made by flotilla-sim ${run.code}, ${run.swift}, ${run.platform}.`),
    ]);
  }

  return { verdict, story, markStory, eventPanel, cluster, properties, environment, raw };
})();
