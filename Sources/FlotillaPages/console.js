// The page itself: the cluster as a whole, what was done, the keys.

const page = (() => {
  const place = (id) => document.getElementById(id);
  let newest = null;
  let plan = () => {};

  function say(words, command, isWrong) {
    refill(
      place("said"), make("span", { class: isWrong ? "flag" : null }, words), " ",
      command ? make("code", {}, command) : null);
  }

  /** Asks for something to be done, and tells what became of it. */
  async function act(words, method, target, body) {
    say(`${words} …`);
    const answer = await desk.ask(method, target, body);
    if (answer.ok) say(answer.document.says, answer.document.command);
    else say(answer.detail, null, true);
  }

  const verbs = { start: "starting", stop: "stopping", kill: "killing", restart: "restarting" };
  const actOnNode = (name, verb) =>
    act(`${verbs[verb]} ${name}`, "POST", `/v1/nodes/${encodeURIComponent(name)}/${verb}`);
  const begin = (body) => act("beginning a fault", "POST", "/v1/faults", body);
  const heal = () => act("healing everything", "DELETE", "/v1/faults");

  function startAll() {
    if (!cards.isPossible(place("start-all"))) return;
    const body = newest && newest.isMade ? {} : { nodes: Number(place("count").value) };
    act("starting", "POST", "/v1/cluster/start", body);
  }

  function stopAll() {
    if (cards.isPossible(place("stop-all"))) act("stopping", "POST", "/v1/cluster/stop");
  }

  function drawStartCommand() {
    if (!newest) return;
    const command = newest.commands.start;
    cards.setCode(place("start-command"), newest.isMade
      ? command : command.replace(/--nodes \d+/, `--nodes ${place("count").value}`));
  }

  function health(state, runs) {
    if (state.problem) return [false, `the file of the cluster cannot be used: ${state.problem}`];
    if (!state.isMade) return [false, `There is no cluster in ${state.folder} yet.`];
    const voting = runs.filter((node) => node.answers && state.voters.includes(node.node)).length;
    const count = state.voters.length || state.nodes.length;
    if (runs.length === 0) return [false, `0 of ${state.nodes.length} nodes run.`];
    const isLed = Boolean(state.leader) && voting > Math.floor(count / 2);
    return [isLed, `${runs.length} of ${state.nodes.length} nodes run, ${voting} of ${count} voters answer: `
      + (isLed ? `${state.leader} leads term ${state.term}.` : "nobody leads.")];
  }

  function draw(state) {
    newest = state;
    const runs = state.nodes.filter((node) =>
      ["starting", "running", "leaving", "elsewhere"].includes(node.process));
    const [isWell, words] = health(state, runs);
    if (place("health-words").textContent !== plain(words)) {
      refill(place("health-words"), make("span", { class: isWell ? "is-well" : "is-ill" }, words));
    }
    cards.setText(place("asked-words"), !state.asked ? ""
      : state.movedFrom && state.movedFrom !== state.asked
        ? `${state.movedFrom} does not answer: this page moved to ${state.asked}, and shows the cluster as ${state.asked} sees it.`
        : `This page shows the cluster as ${state.asked} sees it.`);
    cards.setText(place("cluster-name"), state.isMade ? `${state.cluster} in ${state.folder}` : "");
    place("count-field").hidden = state.isMade;
    cards.enable(place("start-all"), runs.length < state.nodes.length || !state.isMade);
    cards.enable(place("stop-all"), runs.length > 0);
    cards.setCode(place("stop-command"), state.commands.stop);
    drawStartCommand();
    cards.draw(state, actOnNode);
    faults.draw(state, plan);
    streams.draw(state);
  }

  function drawLink(link) {
    const banner = place("banner");
    banner.hidden = link === "open" || link === "asking";
    if (link === "token") {
      cards.setText(banner, "The console wants its token. Open the address that it printed, or enter the token.");
      showToken(true);
    } else if (link === "silent") {
      cards.setText(banner, "The console does not answer. Nodes that it had started end with it; their data is kept.");
    }
    if (link === "open") {
      showToken(false);
      plan();
    }
  }

  function showToken(isShown) {
    place("token-form").hidden = !isShown;
    place("token-button").setAttribute("aria-expanded", String(isShown));
    if (isShown) place("token").focus();
  }

  const keys = [
    ["1 … 9", "to the card of a node", (key) => {
      const element = place("cards").children[Number(key) - 1];
      if (element) element.focus();
    }],
    ["f", "to the faults", () => place("fault-node").focus()],
    ["h", "heal everything", () => heal()],
    ["e", "pause or resume the events", () => streams.eventControls.toggle()],
    ["l", "pause or resume the logs", () => streams.logControls.toggle()],
    ["/", "filter the events", () => place("events-filter").focus()],
    ["?", "these keys", () => help()],
  ];

  function help() {
    const dialog = place("help");
    refill(
      dialog, make("h2", { id: "help-title" }, "Keys"),
      table("Keys", ["key", "does"], keys.map(([key, words]) => [make("kbd", {}, key), words])),
      make("form", { method: "dialog" }, make("button", {}, "Close")));
    dialog.showModal();
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || place("help").open) return;
    if (event.target instanceof Element && event.target.closest("input, select, textarea")) return;
    const name = /^[1-9]$/.test(event.key) ? "1 … 9" : event.key;
    const found = keys.find(([one]) => one === name);
    if (!found) return;
    event.preventDefault();
    found[2](event.key);
  }

  function start() {
    for (let number = 1; number <= 9; number += 1) {
      place("count").append(make("option", { selected: number === 3 }, String(number)));
    }
    let isChosen = false;
    place("count").addEventListener("input", () => { isChosen = true; drawStartCommand(); });
    place("cluster-form").addEventListener("submit", (event) => { event.preventDefault(); startAll(); });
    place("stop-all").addEventListener("click", stopAll);
    place("heal").addEventListener("click", heal);
    place("help-button").addEventListener("click", help);
    place("token-button").addEventListener("click", () => showToken(place("token-form").hidden));
    place("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      desk.useToken(place("token").value.trim());
      place("token").value = "";
    });
    document.addEventListener("keydown", key);
    plan = faults.start(begin);
    desk.on("state", (state) => {
      if (!isChosen && !state.isMade) place("count").value = String(state.usualNodes);
      draw(state);
    });
    desk.on("event", streams.addEvent);
    desk.on("log", streams.addLine);
    desk.on("link", drawLink);
    desk.begin();
    document.documentElement.dataset.ready = "yes";
  }

  return { start };
})();

page.start();
