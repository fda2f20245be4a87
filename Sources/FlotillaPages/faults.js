// Faults on purpose: a button and a command line for each, what is on and for how long yet.

const faults = (() => {
  const place = (id) => document.getElementById(id);
  const labels = {
    isolate: "Isolate", partition: "Partition", pause: "Pause", slow: "Slow down", drop: "Drop",
    skew: "Skew clock", "disk-full": "Fill disk", "disk-slow": "Slow disk",
    "disk-sync-error": "Fail disk",
  };
  const rows = new Map();
  let names = "";
  let asked = 0;
  let planned = null;
  let running = [];

  function parameters() {
    const list = new URLSearchParams();
    for (const [name, id] of [
      ["node", "fault-node"], ["for", "fault-for"], ["by", "fault-by"], ["share", "fault-share"],
      ["from", "fault-from"],
    ]) list.set(name, place(id).value.replace(/\s/g, ""));
    if (place("fault-one-way").checked) list.set("oneWay", "");
    if (place("fault-behind").checked) list.set("behind", "");
    return list;
  }

  function row(name, act) {
    if (rows.has(name)) return rows.get(name);
    const one = { body: null, code: make("code") };
    one.button = make("button", { type: "button", "data-fault": name }, labels[name] || name);
    one.button.addEventListener("click", () => {
      if (cards.isPossible(one.button) && one.body) act(one.body);
    });
    place("fault-buttons").append(make("li", {}, one.button, one.code));
    rows.set(name, one);
    return one;
  }

  /** Has the console say what each button would begin. */
  async function refresh(act) {
    asked += 1;
    const number = asked;
    const answer = await desk.ask("GET", `/v1/faults/commands?${parameters()}`);
    if (!answer.ok || number !== asked) return;
    for (const command of answer.document.commands) {
      const one = row(command.name, act);
      one.body = command.body || null;
      cards.enable(one.button, Boolean(command.body));
      cards.setCode(one.code, command.command || command.problem);
    }
  }

  function start(act) {
    const plan = () => {
      clearTimeout(planned);
      // What is on the buttons is no longer what the form says, nor is an answer still on its way.
      asked += 1;
      for (const one of rows.values()) one.body = null;
      planned = setTimeout(() => refresh(act), 120);
    };
    for (const input of place("faults-form").elements) input.addEventListener("input", plan);
    place("faults-form").addEventListener("submit", (event) => event.preventDefault());
    setInterval(drawTimes, 250);
    return plan;
  }

  function drawTimes() {
    for (const fault of running) {
      const left = Math.max(0, fault.end - Date.now());
      cards.setText(fault.place, `${Math.ceil(left / 1000)} s left`);
    }
  }

  function draw(state, plan) {
    const list = state.nodes.map((node) => node.node);
    if (names !== list.join()) {
      names = list.join();
      const select = place("fault-node");
      const chosen = select.value;
      select.replaceChildren(...["leader", ...list].map((name) => make("option", {}, name)));
      if (list.includes(chosen)) select.value = chosen;
      plan();
    }
    cards.setCode(place("heal-command"), state.commands.heal);
    const shown = state.faults.map((fault) => `${fault.node} ${fault.id}`).join();
    const now = Date.now();
    if (shown === place("faults-list").dataset.shown) {
      state.faults.forEach((fault, at) => { running[at].end = now + Number(fault.leftMs); });
      return;
    }
    place("faults-list").dataset.shown = shown;
    running = state.faults.map((fault) => ({
      says: fault.says, end: now + Number(fault.leftMs), place: make("b", { class: "left" }),
    }));
    refill(place("faults-list"), ...running.map((fault) => make("li", {}, fault.says, " – ", fault.place)));
    drawTimes();
  }

  return { start, draw, refresh };
})();
