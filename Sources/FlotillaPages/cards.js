// A card for each node: what it is, what it does, how far its log has come, and what can be done.

const cards = (() => {
  const known = new Map();
  /** How many of the newest entries the bar of a log shows. */
  const shownEntries = 100;

  const verbs = [
    ["start", "Start", "starts the process"],
    ["stop", "Stop", "politely: it hands over first"],
    ["kill", "Kill", "at once, as a power cut would"],
    ["restart", "Restart", "a stop and a start"],
  ];

  function setText(element, text) {
    const words = plain(text);
    if (element.textContent !== words) element.textContent = words;
  }

  function setCode(element, text) { setText(element, text || ""); }

  /** A button that cannot be used keeps the focus, and says nothing. */
  function enable(button, isPossible) {
    button.setAttribute("aria-disabled", isPossible ? "false" : "true");
  }

  const isPossible = (button) => button.getAttribute("aria-disabled") !== "true";

  function card(name, act) {
    if (known.has(name)) return known.get(name);
    const one = {
      element: make("li", { class: "card", id: `node-${name}`, tabindex: "-1" }),
      title: make("span", {}), badge: make("span", { class: "badge" }), role: make("small"),
      what: make("div"), log: make("div", { class: "note" }), bar: bar(), place: make("div", { class: "note" }),
      buttons: {}, codes: {},
    };
    const list = make("ul", { class: "verbs" });
    for (const [verb, label, words] of verbs) {
      const button = make("button", {
        type: "button", class: verb === "kill" ? "danger" : null, "data-verb": verb,
        "aria-label": `${label} ${name}`, title: words,
      }, label);
      button.addEventListener("click", () => { if (isPossible(button)) act(name, verb); });
      const code = make("code");
      one.buttons[verb] = button;
      one.codes[verb] = code;
      list.append(make("li", {}, button, code));
    }
    one.element.append(
      make("h3", {}, one.title, one.badge, one.role), one.what, one.bar.element, one.log, one.place, list);
    known.set(name, one);
    return one;
  }

  function bar() {
    const part = (name) => shape("rect", { class: name, x: 0, y: 0, width: 0, height: 10 });
    const one = { last: part("last"), committed: part("committed"), applied: part("applied") };
    one.element = shape(
      "svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img" },
      one.last, one.committed, one.applied);
    return one;
  }

  function drawBar(one, node, newest) {
    const low = Math.max(0, newest - shownEntries);
    const width = (index) => (newest > low
      ? Math.max(0, Math.min(100, (Number(index || 0) - low) * 100 / (newest - low))) : 0);
    for (const [name, index] of [
      ["last", node.lastIndex], ["committed", node.commitIndex], ["applied", node.appliedIndex],
    ]) one.bar[name].setAttribute("width", node.answers ? width(index) : 0);
    const words = node.answers
      ? `applied ${grouped(node.appliedIndex)}, committed ${grouped(node.commitIndex)}, last ${grouped(node.lastIndex)}`
      : "its log is not known";
    one.bar.element.setAttribute("aria-label", `Log of ${plain(node.node)}: ${words}`);
    setText(one.log, words);
  }

  function words(node) {
    if (node.process === "failed") return `${node.ending}; its log says why`;
    if (node.process === "killed") return "killed: nothing was handed over";
    if (node.process === "stopped") return "does not run";
    if (node.process === "starting") return "is being started";
    if (!node.answers) return `does not answer: ${node.problem || "not asked yet"}`;
    const told = node.remarks.length > 0 ? `: ${node.remarks.join(", ")}` : "";
    return `answers, term ${node.term}${told}`;
  }

  function draw(state, act) {
    const list = document.getElementById("cards");
    const newest = state.nodes.reduce((most, node) => Math.max(most, Number(node.lastIndex || 0)), 0);
    for (const node of state.nodes) {
      const one = card(node.node, act);
      const runs = ["starting", "running", "leaving", "elsewhere"].includes(node.process);
      const leads = node.answers && node.role === "leader";
      setText(one.title, node.node);
      setText(one.badge, node.process === "elsewhere" ? "runs, started elsewhere" : node.process);
      setText(one.role, node.answers ? `${leads ? "★ " : ""}${node.role}` : "");
      setText(one.what, words(node));
      setText(one.place, `http ${node.http}${node.pid ? ` · pid ${node.pid}` : ""}`);
      drawBar(one, node, newest);
      one.element.classList.toggle("is-leader", leads);
      one.element.classList.toggle("is-down", !runs);
      one.element.classList.toggle("is-ill", node.process === "failed" || (runs && !node.answers));
      one.element.dataset.process = node.process;
      one.element.dataset.role = node.answers ? node.role : "";
      for (const [verb] of verbs) {
        enable(one.buttons[verb], verb === "start" ? !runs : runs);
        setCode(one.codes[verb], node.commands[verb]);
      }
      if (one.element.parentNode !== list) list.append(one.element);
    }
    for (const [name, one] of known) {
      if (state.nodes.some((node) => node.node === name)) continue;
      one.element.remove();
      known.delete(name);
    }
  }

  return { draw, enable, isPossible, setText, setCode };
})();
