// The nodes of the cluster: who they are, who answers, and asking them. A page whose own node is
// gone goes on with the others.

const cluster = (() => {
  const nodes = [];
  const listeners = [];
  let token = "";
  let wantsToken = false;
  let preferred = 0;

  const own = {
    origin: location.origin, address: location.host, name: "", isOwn: true, answers: null,
    since: Date.now(), status: null, problem: "",
  };
  nodes.push(own);

  const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

  function changed() { for (const listener of listeners) listener(); }

  /** A node that somebody has told of. The one that served the page is known by its name. */
  function learn(name, address) {
    if (typeof address !== "string" || typeof name !== "string") return;
    if (nodes.some((node) => node.name === name || node.address === address)) return;
    let origin;
    try { origin = new URL(`${location.protocol}//${address}`).origin; } catch { return; }
    const node = {
      origin, address, name, isOwn: false, answers: null, since: Date.now(), status: null, problem: "",
    };
    nodes.push(node);
    nodes.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    watch(node);
  }

  function note(node, answers, problem) {
    if (node.answers !== answers) {
      node.answers = answers;
      node.since = Date.now();
    }
    node.problem = problem;
  }

  /**
   * Asks one node once. What comes back says what may be concluded:
   *   answered  the node said so: `status`, `document`
   *   elsewhere surely not done here, another node leads
   *   silent    nothing was heard; whether it was done, nobody knows
   */
  async function ask(node, method, target, options = {}) {
    const headers = { accept: "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    if (options.key) headers["idempotency-key"] = options.key;
    if (options.body) headers["content-type"] = "application/json";
    let response;
    let text;
    try {
      response = await fetch(node.origin + target, {
        method, headers, body: options.body ? JSON.stringify(options.body) : undefined,
        // A redirect would carry no token, and says nothing that the status does not.
        redirect: "manual", cache: "no-store", credentials: "omit",
        signal: AbortSignal.timeout(options.within || 6000),
      });
      if (response.type === "opaqueredirect") return { kind: "elsewhere" };
      text = await response.text();
    } catch (error) {
      const isSlow = error.name === "TimeoutError";
      return { kind: "silent", isSlow, problem: isSlow ? "no answer in time" : "not reached" };
    }
    let document = null;
    try { document = JSON.parse(text); } catch { /* Judged below: it is none of ours. */ }
    if (document === null || typeof document !== "object") {
      return { kind: "silent", problem: `answered with status ${response.status} and nothing of ours` };
    }
    if (response.status === 401) {
      wantsToken = document.detail || "this cluster wants a token";
      changed();
    } else if (response.ok && wantsToken && token) {
      wantsToken = false;
      changed();
    }
    return { kind: "answered", status: response.status, document };
  }

  /** Looks at a node again and again, less often while it is silent or the page is not seen. */
  async function watch(node) {
    let slow = 0;
    for (;;) {
      const answer = await ask(node, "GET", "/v1/status", { within: 2000 });
      // Once may also be this page, that had no time to listen.
      slow = answer.isSlow ? slow + 1 : 0;
      if (slow === 1) continue;
      if (answer.kind === "answered" && answer.status === 200) {
        const status = answer.document;
        node.status = status;
        node.name = status.node;
        note(node, true, "");
        for (const peer of status.peers || []) learn(peer.node, peer.address);
      } else if (answer.kind === "answered") {
        note(node, true, answer.document.detail || "");
      } else {
        note(node, false, answer.problem || "");
      }
      changed();
      await pause(document.hidden ? 5000 : node.answers ? 1000 : 2000);
    }
  }

  const answering = () => nodes.filter((node) => node.answers && node.status);

  /** Who leads, as far as those who answer know; the newest term is believed. */
  function leader() {
    let newest = null;
    for (const node of answering()) {
      const { leader: name, term } = node.status;
      if (name && (!newest || BigInt(term) > BigInt(newest.term))) newest = { name, term };
    }
    return newest;
  }

  /** Whom to ask first: the leader if it answers, else one after the other. */
  function first() {
    const leading = leader();
    const node = leading && nodes.find((one) => one.name === leading.name);
    if (node && node.answers !== false) return node;
    return next();
  }

  /** Another node than the one before; those that answer come first. */
  function next() {
    const there = nodes.filter((node) => node.answers !== false);
    const list = there.length > 0 ? there : nodes;
    preferred += 1;
    return list[preferred % list.length];
  }

  /** What a leader must have said, from whichever node says it. `null` if nobody does. */
  async function read(target) {
    let node = first();
    for (let attempt = 0; attempt <= nodes.length; attempt += 1) {
      const answer = await ask(node, "GET", target, { within: 4000 });
      if (answer.kind === "answered" && answer.status !== 503 && answer.status !== 504) {
        return { ...answer, node };
      }
      node = next();
    }
    return null;
  }

  const voters = () => {
    const newest = answering().reduce(
      (a, b) => (!a || BigInt(b.status.appliedIndex) > BigInt(a.status.appliedIndex) ? b : a), null);
    return newest ? newest.status.voters : [];
  };

  return {
    nodes, own, ask, read, first, next, leader, answering, voters, pause,
    get wantsToken() { return wantsToken; },
    hasToken: () => token !== "",
    useToken(text) { token = text; wantsToken = false; changed(); },
    onChange(listener) { listeners.push(listener); },
    start() { watch(own); },
  };
})();
