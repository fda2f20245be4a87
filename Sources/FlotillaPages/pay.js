// The page itself: what is shown of nodes and payments, the form, the keys.

const page = (() => {
  const place = (id) => document.getElementById(id);
  const rows = new Map();
  const cards = new Map();

  function announce(words) { place("live").textContent = plain(words); }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // MARK: Nodes

  function card(node) {
    let known = cards.get(node.origin);
    if (!known) {
      known = {
        element: make("li", { class: "card" }), name: make("b"), what: make("div"),
        since: make("div", { class: "note" }),
      };
      known.element.append(known.name, known.what, known.since);
      cards.set(node.origin, known);
    }
    return known;
  }

  function drawNodes() {
    const leading = cluster.leader();
    const list = place("nodes");
    for (const node of cluster.nodes) {
      const { element, name, what, since } = card(node);
      const leads = Boolean(leading) && leading.name === node.name && node.answers;
      setText(name, `${node.name || node.address}${node.isOwn ? " (this page's)" : ""}`);
      const role = leads ? "leads" : node.status?.role === "leader" ? "led" : node.status?.role || "";
      setText(what, node.answers === null ? "asking …"
        : !node.answers ? `does not answer: ${node.problem}`
        : node.problem ? node.problem
        : `${role}, term ${node.status.term}, committed ${grouped(node.status.commitIndex)}`);
      setText(since, node.answers === null ? node.address
        : `${node.answers ? "answers" : "silent"} since ${clockText(node.since)}`);
      element.classList.toggle("is-leader", Boolean(leads));
      element.classList.toggle("is-silent", node.answers === false);
      element.classList.toggle("is-waiting", node.answers === true && Boolean(node.problem));
      if (element.parentNode !== list) list.append(element);
    }
    const inOrder = cluster.nodes.map((node) => card(node).element);
    if (inOrder.some((element, at) => list.children[at] !== element)) list.append(...inOrder);
  }

  let lastHealth = "";

  function drawHealth() {
    const voters = cluster.voters();
    const there = cluster.answering();
    const leading = cluster.leader();
    const voting = there.filter((node) => voters.includes(node.name));
    const isLed = Boolean(leading) && there.some((node) => node.name === leading.name);
    const count = voters.length || cluster.nodes.length;
    const accepts = isLed && voting.length > Math.floor(count / 2);
    const words = accepts
      ? `payments are accepted; ${leading.name} leads`
      : there.length === 0 ? "payments wait until a node answers" : "payments wait until there is a leader";
    const line = there.length === 0 && cluster.nodes.every((node) => node.answers === null)
      ? "Asking the node …" : `${voting.length} of ${count} nodes answer: ${words}.`;
    const health = place("health-words");
    if (health.textContent !== line) {
      refill(health, make("span", { class: accepts ? "is-well" : "is-ill" }, line));
    }
    if (lastHealth !== "" && lastHealth !== line) announce(line);
    lastHealth = line;
    const name = there.find((node) => node.status.cluster)?.status.cluster;
    if (name) {
      setText(place("cluster"), plain(name));
      document.title = `Payments · ${plain(name)}`;
    }
  }

  function drawBanner() {
    const banner = place("banner");
    const away = cluster.own.answers === false
      ? cluster.answering().find((node) => !node.isOwn) : null;
    const address = cluster.own.status && cluster.nodes.length > 1 && ownAddress();
    if (cluster.wantsToken) {
      say(banner, "token", () => [`${cluster.wantsToken}. `,
        cluster.hasToken() ? "The one entered here is not accepted: enter another." : "Enter one under Token."]);
    } else if (away) {
      say(banner, `away ${away.origin} ${payments.openAsFragment()}`, () => [
        `${cluster.own.name || "The node of this page"} does not answer. `,
        "This page goes on with the others. To load it anew, open it at ",
        make("a", { href: `${away.origin}/pay${payments.openAsFragment()}` }, away.name), "."]);
    } else if (address) {
      say(banner, `address ${address}`, () => [
        "Under this address the page can ask only one node, and cannot go on when it dies. Open ",
        make("a", { href: `${location.protocol}//${address}/pay` }, address), "."]);
    } else if (!payments.isKept) {
      say(banner, "kept", () => ["This browser keeps nothing for this page. Leave it open until each payment is known."]);
    } else {
      banner.hidden = true;
      banner.dataset.about = "";
    }
  }

  /** The address that the other nodes know this one by, if it is not the one of the page. */
  function ownAddress() {
    for (const node of cluster.answering()) {
      if (node.isOwn) continue;
      const found = (node.status.peers || []).find((peer) => peer.node === cluster.own.name);
      if (found && found.address !== location.host) return found.address;
      if (found) return null;
    }
    // Nobody but our own node answers: perhaps since the others do not know this address.
    const silent = cluster.nodes.filter((node) => !node.isOwn && node.answers === false);
    const isLocal = /^(localhost|\[::1\])(:|$)/.test(location.host);
    return isLocal && silent.length > 0 && silent.length === cluster.nodes.length - 1
      ? location.host.replace(/^(localhost|\[::1\])/, "127.0.0.1") : null;
  }

  function say(banner, about, words) {
    if (banner.dataset.about === about) return;
    banner.dataset.about = about;
    refill(banner, ...words());
    banner.hidden = false;
  }

  // MARK: Payments

  function stateWords(payment) {
    switch (payment.state) {
      case "sending": return ["sending", payment.detail || payment.why];
      case "committed": return [`committed at index ${grouped(payment.index)}`, `t-${payment.number}`];
      case "refused": return ["refused", `because ${payment.detail}`];
      case "absent": return ["not done",
        "nothing of this key is in the ledger. If it is still on its way it is done at most once."];
      default: return [payment.isRunning ? "unknown – checking" : "unknown", payment.detail || payment.why];
    }
  }

  /** What one may do about a payment of which nothing more will be heard by itself. */
  function drawButtons(payment, buttons) {
    const isAbsent = payment.state === "absent";
    const isStuck = payment.state === "unknown" && !payment.isRunning;
    const about = isAbsent ? "absent" : isStuck ? "stuck" : "";
    if (buttons.dataset.about === about) return;
    buttons.dataset.about = about;
    const button = (words, name, click) =>
      make("button", { type: "button", class: name, on: { click } }, words);
    buttons.replaceChildren();
    if (isAbsent) {
      buttons.append(
        button("Pay it now, with the same key", "pay-now", () => payments.payNow(payment)));
    }
    if (about) {
      buttons.append(button("Forget it", "forget", () => {
        payments.forget(payment);
        place("from").focus();
      }));
    }
  }

  function title(payment) {
    const hasCurrency = payment.currency && payment.currency !== "XXX";
    return amountText(payment.amount, payment.digits) + (hasCurrency ? ` ${payment.currency}` : "");
  }

  function drawPayment(payment, isNews) {
    if (payment.isForgotten) {
      rows.get(payment.key)?.element.remove();
      rows.delete(payment.key);
      place("payments-none").hidden = rows.size > 0;
      return;
    }
    let row = rows.get(payment.key);
    if (!row) {
      row = {
        element: make("li", { "data-key": payment.key }), state: make("span", { class: "state" }),
        why: make("span", { class: "why" }), buttons: make("div"),
      };
      row.element.append(
        make("span", {}, `${title(payment)} `, tables.name(payment.from), " → ", tables.name(payment.to), ": "),
        row.state, " ", row.why, make("div", { class: "key" }, `key ${payment.key}`), row.buttons);
      rows.set(payment.key, row);
      place("payments-list").prepend(row.element);
      place("payments-none").hidden = true;
    }
    const [state, why] = stateWords(payment);
    row.element.dataset.state = payment.state;
    setText(row.state, state);
    setText(row.why, plain(why || ""));
    drawButtons(payment, row.buttons);
    if (isNews) {
      announce(`${title(payment)} from ${payment.from} to ${payment.to}: ${state}. ${why || ""}`);
    }
  }

  // MARK: The form

  const fields = ["from", "to", "amount"];
  /** How often somebody has changed the form. */
  let edits = 0;
  /** The payment whose account is asked after; nothing was sent of it yet. */
  let preparing = null;

  function mistake(field, words) {
    for (const id of fields) place(id).removeAttribute("aria-invalid");
    setText(place("form-error"), words ? plain(words) : "");
    for (const id of fields) {
      if (id !== field) { place(id).removeAttribute("aria-describedby"); continue; }
      place(id).setAttribute("aria-invalid", "true");
      place(id).setAttribute("aria-describedby", "form-error");
      place(id).focus();
    }
  }

  async function account(id) {
    const known = tables.account(id);
    if (known) return known;
    const answer = await cluster.read(`/v1/ledger/accounts/${encodeURIComponent(id)}?timeout=3s`);
    if (!answer) throw new Error("no leader answers; nothing was sent");
    if (answer.status !== 200) throw new Error(answer.document.detail || "the account cannot be read");
    return answer.document;
  }

  /** What the form says at this moment. */
  function filled() {
    const [from, to, amount] = fields.map((id) => place(id).value);
    return { from, to, amount, edits };
  }

  const isStill = (asked) => Object.entries(filled()).every(([id, value]) => asked[id] === value);

  /** What becomes of a press of Pay that is no payment yet. Said twice, it is told twice. */
  function sayOfForm(words) { place("form-said").textContent = plain(words); }

  function submit(event) {
    event.preventDefault();
    if (preparing) {
      preparing.isPressedAgain = true;
      sayOfForm(`This press sends nothing: ${preparing.words} is still being prepared.`);
      return;
    }
    // This is what is paid, whatever becomes of the form while the account is asked after.
    const asked = filled();
    sayOfForm("");
    for (const [id, words] of [["from", "who pays?"], ["to", "who is paid?"], ["amount", "how much?"]]) {
      if (asked[id] === "") { mistake(id, words); return; }
    }
    prepare(asked);
  }

  /** A disabled button would lose the focus, and Enter would do nothing and say nothing. */
  function drawPreparing() {
    place("pay-form").setAttribute("aria-busy", String(Boolean(preparing)));
    place("submit").setAttribute("aria-disabled", String(Boolean(preparing)));
  }

  /** Pays what was asked for, once it is known how fine the money of that account is. */
  async function prepare(asked) {
    const words = `${asked.amount} from ${asked.from} to ${asked.to}`;
    const mine = { words, isPressedAgain: false };
    // Whoever has gone on to another payment is not called back to a field of this one.
    const fail = (field, problem) =>
      (isStill(asked) ? mistake(field, problem) : mistake(null, `Not sent: ${words}: ${problem}`));
    preparing = mine;
    drawPreparing();
    if (!tables.account(asked.from)) sayOfForm(`Asking after the account of ${words} …`);
    try {
      let giver;
      try {
        giver = await account(asked.from);
      } catch (error) { fail("from", error.message); return; }
      let units;
      try {
        units = unitsOf(asked.amount, giver.digits);
      } catch (error) { fail("amount", error.message); return; }
      mistake(null, "");
      payments.pay(asked.from, asked.to, units, giver.digits, giver.currency);
      if (isStill(asked)) place("amount").value = "";
    } finally {
      preparing = null;
      drawPreparing();
      sayOfForm(mine.isPressedAgain
        ? `Pay was pressed again while ${words} was prepared: of that nothing was sent.` : "");
    }
  }

  function showToken(isShown) {
    place("token-form").hidden = !isShown;
    place("token-button").setAttribute("aria-expanded", String(isShown));
    if (isShown) place("token").focus();
  }

  // MARK: Keys

  const keys = [
    ["p", "pay: to the form"], ["t", "the token"], ["j  k", "next, previous entry"],
    ["Space", "choose this entry; two are compared"], ["Esc", "choose none"], ["?", "these keys"],
  ];

  function help() {
    const dialog = place("help");
    if (dialog.open) { dialog.close(); return; }
    dialog.replaceChildren(
      make("h2", { id: "help-title" }, "Keys"),
      make("table", {},
        make("thead", {}, make("tr", {}, ["key", "does"].map((one) => make("th", { scope: "col" }, one)))),
        make("tbody", {}, keys.map(([key, words]) =>
          make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, words))))),
      make("p", { class: "note" }, "Fields and buttons are reached by Tab, in the order in which they stand."),
      make("button", { type: "button", on: { click: () => dialog.close() } }, "Close"));
    dialog.showModal();
  }

  function step(by) {
    const boxes = tables.boxes();
    if (boxes.length === 0) return;
    const at = boxes.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : boxes.length - 1) : Math.min(Math.max(at + by, 0), boxes.length - 1);
    boxes[next].focus();
    boxes[next].closest("tr").scrollIntoView({ block: "nearest" });
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target.tagName === "INPUT" && target.type !== "checkbox") return;
    const actions = {
      p: () => place("from").focus(), t: () => showToken(true), j: () => step(1), k: () => step(-1),
      Escape: () => tables.none(), "?": help,
    };
    if (!Object.hasOwn(actions, event.key)) return;
    if (place("help").open && event.key !== "?") return;
    actions[event.key]();
    event.preventDefault();
  }

  function start() {
    cluster.onChange(() => { drawNodes(); drawHealth(); drawBanner(); });
    payments.onChange((payment, isNews) => { drawPayment(payment, isNews); drawBanner(); });
    place("pay-form").addEventListener("submit", submit);
    place("pay-form").addEventListener("input", () => { edits += 1; });
    place("help-button").addEventListener("click", help);
    place("token-button").addEventListener("click", () => showToken(place("token-form").hidden));
    place("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      cluster.useToken(place("token").value.trim());
      showToken(false);
      place("token-button").focus();
    });
    document.addEventListener("keydown", key);
    cluster.start();
    tables.start();
    payments.begin();
    document.documentElement.dataset.ready = "yes";
  }

  return { start };
})();

page.start();
