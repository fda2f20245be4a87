// The data as it is asked for: events by position, nodes as they were after any event, what led to
// what. Nothing here knows the page.

const data = JSON.parse(document.getElementById("data").textContent);
const run = data.run;

const Role = ["F", "L", "C", "P", "N", "#"];
const RoleName = ["follower", "leader", "candidate", "pre-candidate", "learner", "crashed"];
const Fate = { delivered: 0, lost: 1, blocked: 2, down: 3, underWay: 4, again: 5 };
const FateWords = [
  "delivered", "lost by the network", "stopped by a cut link", "the receiver was down",
  "still under way at the end", "delivered a second time",
];
const DiskWords = ["durable", "done, but not durable", "lost in a crash", "not done by the end"];
const LaneWords = ["log", "snapshot", "read", "upkeep"];

/** Numbers from their differences. */
function summed(differences) {
  let sum = 0;
  return differences.map((difference) => (sum += difference));
}

const model = (() => {
  const events = data.events;
  const number = summed(events.number);
  const time = summed(events.time);
  const cause = summed(events.cause);
  const node = events.node;
  const count = number.length;
  const nodes = data.nodes;
  const kinds = events.kind.map((word) => data.words[word]);

  /** The position of an event by its number: that one, or the first after it. */
  function at(wanted) {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (number[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The position of exactly that event; -1 if it is not drawn. */
  function position(wanted) {
    const place = at(wanted);
    return place < count && number[place] === wanted ? place : -1;
  }

  /** The position of the first event at a time or after it. */
  function atTime(wanted) {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (time[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // MARK: States

  const width = 13;
  const fields = [
    "event", "role", "term", "votedFor", "commitIndex", "lastApplied", "last", "lastTerm",
    "durable", "snapshot", "leader", "members", "membersSince",
  ];
  const states = data.states;
  const changed = new Uint8Array(count);
  for (const line of states) {
    for (let place = 0; place < line.length; place += width) {
      const event = position(line[place]);
      if (event >= 0) changed[event] = 1;
    }
  }

  /** The state of a node after an event, by the event's number; null before its first. */
  function state(which, wanted) {
    const line = states[which - 1];
    let low = 0;
    let high = line.length / width;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (line[middle * width] <= wanted) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return null;
    const start = (low - 1) * width;
    const result = {};
    fields.forEach((name, offset) => { result[name] = line[start + offset]; });
    result.members = data.words[result.members];
    result.place = low - 1;
    return result;
  }

  function lastUntil(rows, wanted) {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle][0] <= wanted) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? rows[low - 1] : null;
  }

  /** The log of a node after an event: its base and its runs of one term, [start, end, term]. */
  function log(which, wanted) {
    const row = lastUntil(data.logs[which - 1], wanted);
    const now = state(which, wanted);
    if (!row || !now) return { base: 0, runs: [], last: 0 };
    const runs = [];
    for (let place = 3; place < row.length; place += 2) {
      const end = place + 2 < row.length ? row[place + 2] - 1 : now.last;
      runs.push([row[place], end, row[place + 1]]);
    }
    return { base: row[1], baseTerm: row[2], runs, last: now.last };
  }

  function termAt(entries, index) {
    if (index === entries.base) return entries.baseTerm;
    for (const [start, end, term] of entries.runs) if (index >= start && index <= end) return term;
    return 0;
  }

  /** How a leader sees its followers: [node, next, match, state] each. */
  function progress(which, wanted) {
    const row = lastUntil(data.progress[which - 1], wanted);
    const list = [];
    for (let place = 1; row && place < row.length; place += 4) {
      list.push([row[place], row[place + 1], row[place + 2], data.words[row[place + 3]]]);
    }
    return list;
  }

  // MARK: Messages and disks

  const messages = data.messages.map((row, place) => ({
    place, from: row[0], to: row[1], kind: row[2], kindName: data.messageKinds[row[2]],
    sent: row[3], sentTime: row[4], arrived: row[5], arrivalTime: row[6], fate: row[7],
    words: row[8] >= 0 ? data.words[row[8]] : "",
  }));
  const sentBy = new Map();
  const heardBy = new Map();
  for (const message of messages) {
    if (!sentBy.has(message.sent)) sentBy.set(message.sent, []);
    sentBy.get(message.sent).push(message);
    if (message.arrived) heardBy.set(message.arrived, message);
  }
  const disks = data.disks.map((row) => ({
    node: row[0], lane: row[1], asked: row[2], askedTime: row[3], ended: row[4], endTime: row[5],
    fate: row[6],
  }));
  const asks = new Map();
  const answers = new Map();
  for (const row of data.requests) {
    if (!asks.has(row[0])) asks.set(row[0], []);
    asks.get(row[0]).push(row);
  }
  for (const row of data.replies) {
    if (!answers.has(row[0])) answers.set(row[0], []);
    answers.get(row[0]).push(row);
  }
  const operations = data.operations.map((row) => ({
    number: row[0], client: row[1], words: row[2], call: row[3], ended: row[4], standing: row[5],
    result: row[6], index: row[7], server: row[8], attempts: row[9], subject: row[10],
    isRead: row[11] === 1,
  }));

  // MARK: What led to what

  const before = new Int32Array(count).fill(-1);
  const from = new Int32Array(count).fill(-1);
  const next = new Int32Array(count).fill(-1);
  const leadsTo = Array.from({ length: count }, () => null);
  const newest = new Int32Array(nodes + 1).fill(-1);
  const crashed = {};
  for (let place = 0; place < count; place += 1) {
    const which = node[place];
    if (which > 0) {
      before[place] = newest[which];
      if (newest[which] >= 0) next[newest[which]] = place;
      newest[which] = place;
    }
    if (cause[place] > 0) {
      const source = position(cause[place]);
      if (source >= 0 && source < place && source !== before[place]) {
        from[place] = source;
        (leadsTo[source] ||= []).push(place);
      }
    }
  }

  /** What led to an event (1), what follows from it (2), the event itself (3); by position. */
  function cone(place) {
    const light = new Uint8Array(count);
    light[place] = 1;
    if (node[place] === 0) {
      // What happened to no node comes after the last things before it on each of them.
      const seen = new Set();
      for (let other = place - 1; other >= 0 && seen.size < nodes; other -= 1) {
        if (node[other] > 0 && !seen.has(node[other])) { seen.add(node[other]); light[other] = 1; }
      }
    }
    for (let other = place; other >= 0; other -= 1) {
      if (light[other] !== 1) continue;
      if (before[other] >= 0) light[before[other]] = 1;
      if (from[other] >= 0) light[from[other]] = 1;
    }
    light[place] = 2;
    for (let other = place; other < count; other += 1) {
      if (light[other] !== 2) continue;
      if (next[other] >= 0) light[next[other]] = 2;
      for (const target of leadsTo[other] || []) light[target] = 2;
    }
    light[place] = 3;
    return light;
  }

  /** For each node the number of its newest event that led to this one: a vector clock. */
  function clock(place) {
    const light = cone(place);
    const result = new Array(nodes).fill(0);
    for (let other = place; other >= 0; other -= 1) {
      const which = node[other];
      if (which > 0 && result[which - 1] === 0 && (light[other] === 1 || other === place)) {
        result[which - 1] = number[other];
      }
    }
    return result;
  }

  // MARK: Words

  const said = (place) => events.said[place].map((word) => data.words[word]);

  /** What clients ask for in an event. */
  function wishes(place) {
    return (asks.get(number[place]) || []).filter((row) => row[3] > 0).map((row) => {
      const operation = operations[row[3] - 1];
      const where = row[1] === node[place] ? "" : ` n${row[1]}`;
      return operation ? `client ${operation.client} asks${where}: ${operation.words}` : `asks${where}`;
    });
  }

  /** All of an event in one sentence. */
  function sentence(place) {
    const parts = said(place);
    parts.unshift(...wishes(place));
    for (const message of sentBy.get(number[place]) || []) {
      if (message.fate === Fate.again) continue;
      const stopped = message.fate === Fate.lost || message.fate === Fate.blocked
        ? ` (${FateWords[message.fate]})` : "";
      parts.push(`tells n${message.to}: ${message.words}${stopped}`);
    }
    if (parts.length === 0) return kinds[place];
    return parts.join("; ");
  }

  /** The same in the order of what matters, for one line: what was heard, what came of it. */
  function headline(place) {
    const parts = said(place);
    const weight = (part) => /^(leads|crashes|starts|deletes|commits|halts|steps down|votes for|membership)/.test(part) ? 1
      : /^(stands|asks whether|snapshot|hands|replies|does not|term)/.test(part) ? 2
        : /^(its leader|r\d+|writes|disk job|loads|stores|applied)/.test(part) ? 4 : 3;
    const first = /^(hears|tick$)/.test(parts[0] || "") ? parts.splice(0, 1) : [];
    first.push(...wishes(place));
    const ranked = parts.map((part, order) => [weight(part), order, part])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((one) => one[2]);
    const sent = (sentBy.get(number[place]) || []).filter((message) => message.fate !== Fate.again);
    const told = new Map();
    for (const message of sent) {
      const words = `${message.words}`;
      if (!told.has(words)) told.set(words, []);
      told.get(words).push(`n${message.to}${message.fate === Fate.lost || message.fate === Fate.blocked ? "✕" : ""}`);
    }
    const tells = [...told].map(([words, to]) => `→ ${to.join(" ")}: ${words}`);
    if (first[0] === "tick" && ranked.length + tells.length > 0) first.shift();
    return [...first, ...ranked, ...tells].join("; ") || kinds[place];
  }

  /** Whether nothing in it is worth a line of its own. */
  const quiet = new Uint8Array(count);
  const simple = new Set(["heartbeat", "append reply"]);
  const marked = new Set(data.story.flatMap((clue) => [clue.event, ...clue.more]));
  marked.add(run.event);
  for (let place = 0; place < count; place += 1) {
    if (marked.has(number[place]) || answers.has(number[place])) continue;
    const message = heardBy.get(number[place]);
    const words = events.said[place].length;
    const isTick = kinds[place] === "tick" && words <= 1;
    const isBeat = kinds[place] === "deliver" && message && simple.has(message.kindName)
      && words <= 1;
    const isWork = kinds[place] === "disk" && words <= 1;
    if ((isTick || isBeat || isWork) && !changed[place]) quiet[place] = 1;
  }

  return {
    count, number, time, node, kinds, nodes, at, atTime, position, state, log, termAt, progress,
    messages, sentBy, heardBy, disks, asks, answers, operations, cone, clock, said, sentence, headline,
    quiet, changed, before, from, next, leadsTo, states, width,
  };
})();
