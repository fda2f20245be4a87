// The payments of this page: each is written down with its key before it is sent, and asked after
// until its fate is known. What a page that was loaded anew finds written down it only asks after:
// it pays nothing that nobody has asked it to pay.

const payments = (() => {
  const place = "flotilla.payments";
  const list = [];
  const listeners = [];
  let isKept = true;

  const changed = (payment, isNews) => { for (const one of listeners) one(payment, isNews); };

  // MARK: What is written down

  function stored() {
    try {
      const found = JSON.parse(localStorage.getItem(place) || "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  }

  const written = ({ key, from, to, amount, digits, currency, made }) =>
    ({ key, from, to, amount, digits, currency, made });

  /** Writes a payment down, or strikes it out. Other pages of this browser write here too. */
  function keep(payment, isOpen) {
    const others = stored().filter((one) => one && one.key !== payment.key);
    try {
      localStorage.setItem(place, JSON.stringify(isOpen ? [...others, written(payment)] : others));
    } catch {
      isKept = false;
    }
  }

  /** Keys are remembered for seven days; of one that is about as old, silence says nothing. */
  const isForgettable = (payment) => Date.now() - keyTime(payment.key) > 6.5 * 86_400_000;

  /** A payment as somebody wrote it down, if that is what it is. Anybody may have written it. */
  function checked(one) {
    if (!one || !/^[0-9A-HJKMNP-TV-Z]{26}$/.test(one.key)) return null;
    if (typeof one.from !== "string" || typeof one.to !== "string") return null;
    if (!/^\d{1,19}$/.test(one.amount) || !(Number.isInteger(one.digits) && one.digits >= 0 && one.digits <= 18)) {
      return null;
    }
    const currency = typeof one.currency === "string" ? one.currency : "";
    return { ...written(one), currency, made: Number(one.made) || 0 };
  }

  // MARK: What becomes of one

  const isOver = (payment) => ["committed", "refused"].includes(payment.state);

  function become(payment, state, detail = "") {
    const isNews = payment.state !== state;
    payment.state = state;
    payment.detail = detail;
    payment.since = Date.now();
    keep(payment, !isOver(payment));
    changed(payment, isNews);
  }

  function committed(payment, transfer) {
    payment.index = transfer.index;
    payment.number = transfer.number;
    become(payment, "committed");
  }

  /** Asks after the key. Returns whether that says it all, and at which entry it was not there. */
  async function lookUp(payment) {
    const answer = await cluster.read(`/v1/ledger/transfers?timeout=3s&key=${payment.key}`);
    if (!answer) return { isKnown: false, absentAt: null };
    const said = answer.document;
    if (answer.status === 200 && said.key === payment.key) {
      committed(payment, said);
      return { isKnown: true };
    }
    if (answer.status === 404) return { isKnown: false, absentAt: true };
    return { isKnown: false, absentAt: null, problem: said.detail };
  }

  /** Sends it once, and says what to do next: `null` is that its fate is known. */
  async function sendOnce(payment, node) {
    payment.sends += 1;
    const body = { from: payment.from, to: payment.to, amount: payment.amount };
    const answer = await cluster.ask(
      node, "POST", "/v1/ledger/transfers?timeout=4s", { key: payment.key, body });
    if (answer.kind === "elsewhere") return { after: 60 };
    if (answer.kind === "silent") {
      payment.isUncertain = true;
      return { after: 100, why: `${node.name || node.address}: ${answer.problem}` };
    }
    const said = answer.document;
    switch (said.outcome) {
      case "ok": case "underAcknowledged":
        committed(payment, said);
        return null;
      case "duplicate":
        // The entry that it says is that of the repetition; the payment is an earlier one.
        payment.number = said.number;
        payment.isUncertain = true;
        return { after: 0, why: "it was done before; asking at which entry" };
      case "unavailable": return { after: 250, why: said.detail };
      case "tooBusy": return { after: Number(said.retryAfterMs) || 250, why: said.detail };
      case "unauthorized": return { waits: true, why: said.detail };
      case "unknown": case "internal": case "corrupt": case undefined:
        payment.isUncertain = true;
        return { after: 250, why: said.detail || `status ${answer.status}` };
      default:
        if (payment.isUncertain && said.reason === "keyExpired") {
          // An earlier copy may have been done, and nobody remembers.
          payment.isUncertain = true;
          return { ends: true, why: `${said.detail}; look among the entries of ${payment.from}` };
        }
        if (payment.isUncertain && ["keyTooNew", "tooManyKeys"].includes(said.reason)) {
          // That is no word on an earlier copy, which may yet be done.
          return { after: 2000, why: said.detail };
        }
        become(payment, "refused", said.detail || said.outcome);
        return null;
    }
  }

  /** Goes on until the fate of a payment is known. */
  async function settle(payment) {
    let misses = 0;
    let wait = 250;
    payment.isRunning = true;
    while (!isOver(payment) && !payment.isForgotten) {
      if (payment.isUncertain || !payment.maySend) {
        become(payment, "unknown", payment.why || "");
        const found = await lookUp(payment);
        if (found.isKnown || payment.isForgotten) break;
        misses = found.absentAt ? misses + 1 : misses;
        payment.why = found.absentAt ? "it is not there yet" : found.problem || "no leader answers yet";
        if (!payment.maySend) {
          if (misses >= 4 && isForgettable(payment)) {
            payment.isRunning = false;
            become(payment, "unknown", `the key is too old; look among the entries of ${payment.from}`);
            break;
          }
          if (misses >= 4) {
            become(payment, "absent");
            break;
          }
          changed(payment, false);
          await cluster.pause(found.absentAt ? 1000 : wait = Math.min(wait * 2, 2000));
          continue;
        }
        if (!found.absentAt) {
          changed(payment, false);
          await cluster.pause(wait = Math.min(wait * 2, 2000));
          continue;
        }
      }
      // Sent again it is the same payment: the key sees to that.
      const node = payment.tries === 0 ? cluster.first() : cluster.leader() ? cluster.first() : cluster.next();
      payment.tries += 1;
      const next = await sendOnce(payment, node);
      if (!next) break;
      payment.why = next.why || payment.why;
      if (next.ends) {
        payment.isRunning = false;
        become(payment, "unknown", next.why);
        break;
      }
      changed(payment, false);
      if (next.waits) {
        payment.detail = `${next.why}. Enter one above; then it goes on.`;
        changed(payment, true);
        while (cluster.wantsToken && !payment.isForgotten) await cluster.pause(200);
      } else {
        await cluster.pause(next.after);
      }
    }
    payment.isRunning = false;
  }

  function add(payment, maySend) {
    const whole = {
      ...payment, state: maySend ? "sending" : "unknown", detail: "", why: "", sends: 0, tries: 0,
      isUncertain: !maySend, maySend, isForgotten: false, isRunning: false, since: Date.now(),
    };
    list.unshift(whole);
    // What is over and old makes room.
    while (list.length > 50 && isOver(list[list.length - 1])) list.pop();
    become(whole, whole.state);
    changed(whole, true);
    settle(whole);
    return whole;
  }

  /** Pays: the key is made and written down before anything is sent. */
  function pay(from, to, amount, digits, currency) {
    return add(
      { key: freshKey(), from, to, amount: String(amount), digits, currency, made: Date.now() }, true);
  }

  /** Pays what was not done, under the key that it always had. */
  function payNow(payment) {
    if (payment.isRunning || isOver(payment)) return;
    payment.maySend = true;
    payment.isUncertain = false;
    become(payment, "sending");
    settle(payment);
  }

  /** Strikes it out, without having paid it. */
  function forget(payment) {
    payment.isForgotten = true;
    keep(payment, false);
    list.splice(list.indexOf(payment), 1);
    changed(payment, true);
  }

  // MARK: Beginning

  /** What a page before this one had not finished, here or at a node that is gone. */
  function begin() {
    const linked = /^#open=(.*)$/.exec(location.hash);
    let brought = [];
    if (linked) {
      try { brought = JSON.parse(decodeURIComponent(linked[1])); } catch { brought = []; }
      history.replaceState(null, "", location.pathname);
    }
    for (const one of [...stored(), ...(Array.isArray(brought) ? brought.slice(0, 50) : [])]) {
      const payment = checked(one);
      if (payment && !list.some((known) => known.key === payment.key)) add(payment, false);
    }
  }

  /** What is not over, for the address of the same page at another node. */
  function openAsFragment() {
    const open = list.filter((payment) => !isOver(payment)).map(written);
    return open.length > 0 ? `#open=${encodeURIComponent(JSON.stringify(open))}` : "";
  }

  return {
    list, pay, payNow, forget, begin, openAsFragment, isOver,
    onChange(listener) { listeners.push(listener); },
    get isKept() { return isKept; },
  };
})();
