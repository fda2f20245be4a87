// Balances and recent entries, and how any two of them stand to each other.

const tables = (() => {
  const accounts = new Map();
  const entries = new Map();
  const chosen = [];
  let index = -1n;
  let isAsking = false;

  const place = (id) => document.getElementById(id);

  /** A name that somebody chose: text, whatever it is, and turned by none of its own marks. */
  const name = (text) => make("bdi", {}, text);

  function row(map, id, body, before) {
    const known = map.get(id);
    if (known) return known;
    const made = { cells: [], element: make("tr", {}) };
    map.set(id, made);
    if (before) body.prepend(made.element); else body.append(made.element);
    return made;
  }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // MARK: Balances

  function drawAccounts(document_) {
    const body = place("balances-rows");
    for (const account of document_.accounts) {
      const line = row(accounts, account.account, body, false);
      if (line.cells.length === 0) {
        line.cells = [make("td", { class: "number" }), make("td", { class: "number" })];
        line.element.append(
          make("th", { scope: "row" }, name(account.account)), ...line.cells,
          make("td", {}, account.currency === "XXX" ? "none" : account.currency));
        place("names").append(make("option", { value: account.account }));
      }
      line.account = account;
      setText(line.cells[0], amountText(account.balance, account.digits));
      setText(line.cells[1], amountText(account.available, account.digits));
    }
    const more = BigInt(document_.count) - BigInt(document_.accounts.length);
    setText(place("balances-note"), accounts.size === 0
      ? "There are no accounts yet. In a terminal: flotilla pay open alice --credit 100"
      : more > 0n ? `and ${grouped(more)} more, which are not shown` : "");
  }

  // MARK: Entries

  function choose(number, isChosen) {
    const at = chosen.indexOf(number);
    if (at >= 0) chosen.splice(at, 1);
    if (isChosen) chosen.push(number);
    // The third takes the place of the first.
    while (chosen.length > 2) chosen.shift();
    for (const [id, line] of entries) {
      line.box.checked = chosen.includes(id);
      line.element.classList.toggle("is-chosen", line.box.checked);
    }
    relate();
  }

  function drawEntries(document_) {
    const body = place("entries-rows");
    for (const transfer of [...document_.transfers].reverse()) {
      const line = row(entries, transfer.number, body, true);
      if (line.cells.length > 0) continue;
      const number = transfer.number;
      const stamp = transfer.stamp;
      line.transfer = transfer;
      line.box = make("input", {
        type: "checkbox", "aria-label": `compare t-${number}`,
        on: { change: () => choose(number, line.box.checked) },
      });
      line.cells = [
        make("td", {}, line.box), make("th", { scope: "row" }, `t-${number}`),
        make(
          "td", { class: "who" }, transfer.kind === "transfer" ? [] : `${transfer.kind} `,
          name(transfer.from), " → ", name(transfer.to)),
        make("td", { class: "number" }, amountOf(transfer)),
        make("td", { class: "number" }, transfer.index),
        make("td", { class: "number" }, stamp ? stamp.lamport : "–"),
        make("td", { class: "stamp" }, stamp ? vectorText(stamp.vector) : "not kept"),
        make("td", { class: "stamp" }, stamp ? hybridText(stamp.hybridNs, stamp.logical) : "–"),
      ];
      line.element.append(...line.cells);
    }
    const oldest = [...entries.keys()].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    for (const number of oldest.slice(0, Math.max(0, oldest.length - 20))) {
      // What is compared stays in sight.
      if (chosen.includes(number)) continue;
      entries.get(number).element.remove();
      entries.delete(number);
    }
    setText(place("entries-note"), entries.size === 0 ? "There are no payments yet."
      : "The newest first. Times are those of the log, not of any one clock.");
  }

  function relationWords(first, second, relation) {
    const [a, b] = [`t-${first}`, `t-${second}`];
    switch (relation) {
      case "before": return [`${a} happened before ${b}`, `whoever made ${b} could have known of ${a}.`];
      case "after": return [`${b} happened before ${a}`, `whoever made ${a} could have known of ${b}.`];
      case "concurrent": return [`${a} and ${b} are concurrent`, "neither could have known of the other."];
      case "same": return [`${a} and ${b} are in one entry`, "they were done at once, in their order."];
      default: return [`It is not known how ${a} and ${b} stand to each other`, "their stamps have no node in common."];
    }
  }

  async function relate() {
    const words = place("relation");
    if (chosen.length < 2) {
      refill(words, chosen.length === 0
        ? "Choose two entries to see which could have known of the other."
        : `t-${chosen[0]} is chosen. Choose another one to compare it with.`);
      return;
    }
    const [first, second] = [...chosen].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const [one, other] = [first, second].map((number) => entries.get(number).transfer.index);
    const isAsked = () => chosen.length === 2 && chosen.includes(first) && chosen.includes(second);
    refill(words, `Comparing t-${first} with t-${second} …`);
    let answer = null;
    for (let attempt = 0; attempt < 10 && isAsked(); attempt += 1) {
      answer = await cluster.read(`/v1/causality?first=${one}&second=${other}`);
      if (answer) break;
      await cluster.pause(500);
    }
    if (!isAsked()) return;
    if (!answer || answer.status !== 200) {
      refill(words, answer ? answer.document.detail : "No node answers; choose again later.");
      return;
    }
    const [claim, meaning] = relationWords(first, second, answer.document.relation);
    refill(words, make("strong", {}, claim), ": ", meaning);
  }

  // MARK: Asking

  const digits = new Map();

  /** How many digits the currency of an account has after the point. Accounts never change it. */
  const digitsOf = (account) => accounts.get(account)?.account.digits ?? digits.get(account);

  function amountOf(transfer) {
    const known = digitsOf(transfer.from);
    return known === undefined ? `${grouped(transfer.amount)} units` : amountText(transfer.amount, known);
  }

  /** Asks for those that are not in the table. */
  async function learnDigits(names) {
    for (const one of new Set(names)) {
      if (accounts.has(one) || digits.has(one)) continue;
      const answer = await cluster.read(`/v1/ledger/accounts/${encodeURIComponent(one)}?timeout=3s`);
      if (answer?.status === 200) digits.set(one, answer.document.digits);
    }
  }

  /** Asks for both again if anything was committed since. */
  async function refresh() {
    const newest = cluster.answering().reduce((most, node) => {
      const applied = BigInt(node.status.appliedIndex);
      return applied > most ? applied : most;
    }, 0n);
    if (isAsking || newest <= index || document.hidden || cluster.wantsToken) return;
    isAsking = true;
    const balances = await cluster.read("/v1/ledger/accounts?limit=100&timeout=3s");
    const recent = await cluster.read("/v1/ledger/transfers?limit=20&stamps&timeout=3s");
    if (balances?.status === 200 && recent?.status === 200) {
      drawAccounts(balances.document);
      await learnDigits(recent.document.transfers.map((transfer) => transfer.from));
      drawEntries(recent.document);
      index = BigInt(recent.document.index);
      if (index > newest) index = newest;
      setText(place("balances-when"), `as of entry ${balances.document.index}`);
      setText(place("entries-when"), `as of entry ${recent.document.index}, told by ${recent.node.name}`);
    }
    isAsking = false;
  }

  /** The boxes by which entries are chosen, from above. */
  const boxes = () => [...place("entries-rows").querySelectorAll("input")];

  return {
    refresh, boxes, name,
    account: (id) => accounts.get(id)?.account,
    none() { for (const number of [...chosen]) choose(number, false); },
    start() { setInterval(refresh, 500); },
  };
})();
