// The space-time diagram: time downwards, a lane for each node, the words of each event beside it.
// Only what can be seen is ever drawn.

const view = {
  selected: 0, pinned: -1, lane: 0, showsAll: false, dims: true, filters: new Set(),
  rows: [], rowOf: new Int32Array(model.count), light: null,
};

const diagram = (() => {
  const rowHeight = 22;
  const whenWidth = 128;
  const bracketWidth = 66;
  const gap = Math.max(44, Math.min(66, Math.round(400 / (model.nodes + 1))));
  const laneX = (node) => bracketWidth + 26 + (node - 1) * gap;
  const clientX = laneX(model.nodes + 1);
  const laneWidth = clientX + 34;
  const networkFaults = new Set([
    "loss", "delay", "duplication", "reordering", "oneWay", "partition", "partialPartition",
    "bridge", "isolation", "clog", "flapping",
  ]);
  const cuts = new Set(["oneWay", "partition", "partialPartition", "bridge", "isolation", "clog"]);
  const messageClass = {
    "pre-vote": "vote", "pre-vote reply": "vote", "vote request": "vote", "vote reply": "vote",
    append: "append", heartbeat: "beat", "append reply": "reply", snapshot: "snapshot",
    "snapshot reply": "snapshot", "timeout now": "vote",
  };

  let scroller;
  let spacer;
  let drawing;
  let list;
  let head;
  let buckets = [];
  let roles = [];
  let terms = [];
  let stamp = 0;
  const stamps = new Int32Array(model.messages.length);
  let isAwaited = false;

  // MARK: Rows

  const filterTests = {
    elections: (place) => hasChange(place, ["role", "term", "votedFor"]),
    log: (place) => hasChange(place, ["last", "lastTerm", "snapshot", "membersSince"]),
    commits: (place) => hasChange(place, ["commitIndex"]),
    disk: (place) => model.kinds[place] === "disk",
    clients: (place) => model.asks.has(model.number[place]) || model.answers.has(model.number[place]),
    faults: (place) => ["fault", "heal", "crash", "start", "check"].includes(model.kinds[place]),
    drops: (place) => (model.sentBy.get(model.number[place]) || [])
      .some((message) => message.fate > 0 && message.fate < 4),
  };

  function stateBefore(node, state) {
    if (!state || state.place === 0) return null;
    return model.state(node, model.states[node - 1][(state.place - 1) * model.width]);
  }

  /** The state of an event's node after it and before it, where it has changed. */
  function change(place) {
    const node = model.node[place];
    if (node === 0 || !model.changed[place]) return null;
    const after = model.state(node, model.number[place]);
    if (!after || after.event !== model.number[place]) return null;
    return { node, after, before: stateBefore(node, after) };
  }

  function hasChange(place, names) {
    const found = change(place);
    return found && names.some((name) => !found.before || found.before[name] !== found.after[name]);
  }

  function isFolded(place) {
    if (place === view.selected || place === view.pinned) return false;
    if (view.filters.size > 0) {
      for (const name of view.filters) if (filterTests[name](place)) return false;
      return model.number[place] !== run.event;
    }
    return !view.showsAll && model.quiet[place] === 1;
  }

  function buildRows() {
    view.rows = [];
    for (let place = 0; place < model.count; place += 1) {
      const last = view.rows[view.rows.length - 1];
      if (isFolded(place)) {
        if (last && last.isFold) last.last = place;
        else view.rows.push({ first: place, last: place, isFold: true });
      } else {
        view.rows.push({ first: place, last: place, isFold: false });
      }
      view.rowOf[place] = view.rows.length - 1;
    }
    joinShortFolds();
    buildLanes();
    buildBuckets();
    spacer.style.height = `${view.rows.length * rowHeight + 12}px`;
  }

  /** A few quiet events are not worth a row: they belong to the one before. */
  function joinShortFolds() {
    const rows = [];
    for (const row of view.rows) {
      const isShort = row.isFold && row.last - row.first < 4 && rows.length > 0
        && !rows[rows.length - 1].isFold;
      if (!isShort) rows.push({ ...row, shown: row.last });
      else rows[rows.length - 1].last = row.last;
      for (let place = row.first; place <= row.last; place += 1) view.rowOf[place] = rows.length - 1;
    }
    view.rows = rows;
  }

  /** Role and term of every node after every row. */
  function buildLanes() {
    roles = [];
    terms = [];
    for (let node = 1; node <= model.nodes; node += 1) {
      const line = model.states[node - 1];
      const role = new Uint8Array(view.rows.length);
      const term = new Int32Array(view.rows.length);
      let place = -1;
      view.rows.forEach((row, position) => {
        const number = model.number[row.last];
        while ((place + 1) * model.width < line.length && line[(place + 1) * model.width] <= number) {
          place += 1;
        }
        role[position] = place < 0 ? 255 : line[place * model.width + 1];
        term[position] = place < 0 ? 0 : line[place * model.width + 2];
      });
      roles.push(role);
      terms.push(term);
    }
  }

  function endRow(message) {
    const start = rowOfEvent(message.sent);
    if (message.arrived) return Math.max(start, rowOfEvent(message.arrived));
    if (message.fate === Fate.down) {
      return Math.max(start, rowAtTime(message.arrivalTime));
    }
    return start;
  }

  const rowOfEvent = (number) => view.rowOf[Math.min(model.at(number), model.count - 1)];
  const rowAtTime = (time) => view.rowOf[Math.min(model.atTime(time), model.count - 1)];

  function buildBuckets() {
    buckets = [];
    for (const message of model.messages) {
      const start = rowOfEvent(message.sent);
      const end = endRow(message);
      message.startRow = start;
      message.endRow = end;
      if (start === end && view.rows[start].isFold) continue;
      for (let bucket = start >> 5; bucket <= end >> 5; bucket += 1) {
        (buckets[bucket] ||= []).push(message);
      }
    }
  }

  // MARK: Drawing

  function request() {
    if (isAwaited) return;
    isAwaited = true;
    requestAnimationFrame(() => { isAwaited = false; draw(); });
  }

  const y = (row) => row * rowHeight + rowHeight / 2;

  function dimmed(place) {
    return view.dims && view.light && view.light[place] === 0;
  }

  function draw() {
    const top = scroller.scrollTop;
    const height = scroller.clientHeight;
    const first = Math.max(0, Math.floor(top / rowHeight) - 2);
    const last = Math.min(view.rows.length - 1, Math.ceil((top + height) / rowHeight) + 1);
    const parts = [];
    drawFaults(first, last, parts);
    drawLanes(first, last, parts);
    drawFaultMarks(first, last, parts);
    drawFrontier(first, last, parts);
    drawMessages(first, last, parts);
    drawDisks(first, last, parts);
    const texts = [];
    for (let row = first; row <= last; row += 1) {
      drawRow(row, parts);
      texts.push(words(row));
    }
    drawing.setAttribute("viewBox", `0 ${first * rowHeight} ${laneWidth} ${(last - first + 1) * rowHeight}`);
    drawing.setAttribute("height", (last - first + 1) * rowHeight);
    drawing.style.top = `${first * rowHeight}px`;
    drawing.replaceChildren(...parts);
    list.replaceChildren(...texts);
    const row = view.rowOf[view.selected];
    if (row >= first && row <= last) scroller.setAttribute("aria-activedescendant", `row-${view.selected}`);
    else scroller.removeAttribute("aria-activedescendant");
    drawHead();
  }

  /** Who is who after the chosen event. */
  function drawHead() {
    const number = model.number[view.selected];
    const cells = [];
    for (let node = 1; node <= model.nodes; node += 1) {
      const state = model.state(node, number);
      const role = state ? state.role : 0;
      cells.push(shape(
        "text", { x: laneX(node), y: 15, class: `name${view.lane === node ? " focus" : ""}` },
        `n${node}`));
      cells.push(shape(
        "text", { x: laneX(node), y: 30, class: `small role-${Role[role] === "#" ? "X" : Role[role]}` },
        state ? `${Role[role]} ${state.term}` : "–"));
    }
    cells.push(shape("text", { x: clientX, y: 15, class: "name" }, "clients"));
    head.replaceChildren(...cells);
  }

  function drawLanes(first, last, parts) {
    const top = y(first) - rowHeight;
    const bottom = y(last) + rowHeight;
    parts.push(shape("line", { x1: clientX, x2: clientX, y1: top, y2: bottom, class: "client-lane" }));
    for (let node = 1; node <= model.nodes; node += 1) {
      const role = roles[node - 1];
      const term = terms[node - 1];
      let start = first;
      while (start <= last) {
        let end = start;
        while (end < last && role[end + 1] === role[start] && term[end + 1] === term[start]) end += 1;
        if (role[start] !== 255) {
          const from = start === first ? top : y(start);
          const to = end === last ? bottom : y(end + 1);
          const letter = Role[role[start]];
          parts.push(shape("rect", {
            x: laneX(node) - 5, width: 10, y: from, height: Math.max(1, to - from),
            class: `lane lane-${letter === "#" ? "X" : letter}`,
          }));
          if (start > first || start === 0) {
            const was = start > 0 && role[start - 1] !== 255;
            if (!was || role[start - 1] !== role[start] || term[start - 1] !== term[start]) {
              parts.push(shape(
                "text", { x: laneX(node) - 8, y: y(start) - 7, class: "lane-label" },
                `${letter}${term[start]}`));
            }
          }
        }
        start = end + 1;
      }
    }
  }

  function drawFaults(first, last, parts) {
    let slot = 0;
    data.faults.forEach((fault, number) => {
      const start = rowAtTime(fault.start);
      const end = rowAtTime(fault.end);
      if (end < first || start > last) return;
      const from = Math.max(y(start), y(first) - rowHeight);
      const to = Math.max(from + 6, Math.min(y(end), y(last) + rowHeight));
      const about = aboutFault(fault);
      const kind = networkFaults.has(fault.kind) ? "network"
        : fault.kind === "pause" ? "pause" : /disk|bitRot|Read/.test(fault.kind) ? "disk" : "other";
      for (const node of fault.nodes) {
        if (node > model.nodes) continue;
        parts.push(shape("rect", {
          x: laneX(node) - gap / 2 + 3, width: gap - 6, y: from, height: to - from,
          class: `fault fault-${kind}`,
        }, shape("title", {}, about)));
      }
      if (cuts.has(fault.kind)) {
        const x = 6 + (slot % 3) * 21;
        const others = [];
        for (let node = 1; node <= model.nodes; node += 1) {
          if (!fault.nodes.includes(node)) others.push(node);
        }
        const peers = fault.peers.length ? fault.peers : others;
        const sides = fault.kind === "isolation" ? `${fault.nodes.map(nodeName).join(" | ")}`
          : `${fault.nodes.map(nodeName).join(" ")} | ${peers.map(nodeName).join(" ")}`;
        parts.push(shape("path", {
          d: `M${x + 6} ${from}h-6V${to}h6`, class: "bracket",
        }, shape("title", {}, about)));
        parts.push(shape("text", {
          x: x + 9, y: from + 4, class: "bracket-label",
          transform: `rotate(90 ${x + 9} ${from + 4})`,
        }, `${fault.kind}: ${sides}`));
        slot += 1;
      }
      void number;
    });
  }

  function aboutFault(fault) {
    return `${fault.kind} ${fault.nodes.map(nodeName).join(" ")}`
      + `${fault.peers.length ? ` and ${fault.peers.map(nodeName).join(" ")}` : ""}, `
      + `from event ${fault.event}, for ${span(fault.end - fault.start)}`;
  }

  /** What stands upon the lanes: the names of faults of nodes, and where their clocks jump. */
  function drawFaultMarks(first, last, parts) {
    for (const fault of data.faults) {
      const start = rowAtTime(fault.start);
      if (cuts.has(fault.kind) || start < first || start > last) continue;
      if (fault.kind === "clockJump") {
        for (const node of fault.nodes) {
          if (node <= model.nodes) drawNotch(laneX(node), y(start), aboutFault(fault), parts);
        }
      }
      const node = fault.nodes.find((one) => one <= model.nodes) || 1;
      parts.push(shape(
        "text", { x: laneX(node) + 10, y: y(start) + 12, class: "fault-label" }, fault.kind));
    }
  }

  /** Where a clock jumps: the lane is cut in from both sides. */
  function drawNotch(x, at, about, parts) {
    parts.push(shape("path", {
      d: `M${x - 7} ${at - 6}l5 6l-5 6zM${x + 7} ${at - 6}l-5 6l5 6z`, class: "notch",
    }, shape("title", {}, about)));
  }

  /** Where each node first had committed what the selected node has: a line through the lanes. */
  function drawFrontier(first, last, parts) {
    const node = model.node[view.selected] || view.lane || 1;
    const state = model.state(node, model.number[view.selected]);
    if (!state || state.commitIndex === 0) return;
    const points = [];
    for (let other = 1; other <= model.nodes; other += 1) {
      const line = model.states[other - 1];
      for (let place = 0; place < line.length; place += model.width) {
        if (line[place + 4] >= state.commitIndex) {
          points.push([laneX(other), y(rowOfEvent(line[place]))]);
          break;
        }
      }
    }
    if (points.length < 2) return;
    const top = Math.min(...points.map((point) => point[1]));
    const bottom = Math.max(...points.map((point) => point[1]));
    if (bottom < y(first) || top > y(last)) return;
    let path = `M${points[0][0] - 14} ${points[0][1]}h14`;
    for (let place = 1; place < points.length; place += 1) {
      const middle = (points[place - 1][0] + points[place][0]) / 2;
      path += `H${middle}V${points[place][1]}H${points[place][0]}`;
    }
    parts.push(shape("path", { d: path, class: "frontier" },
      shape("title", {}, `Where each node knew that entry ${state.commitIndex} is committed`)));
    parts.push(shape("text", {
      x: points[points.length - 1][0] + 8, y: points[points.length - 1][1] - 3, class: "frontier-label",
    }, `✓${state.commitIndex}`));
  }

  function drawMessages(first, last, parts) {
    stamp += 1;
    for (let bucket = first >> 5; bucket <= last >> 5; bucket += 1) {
      for (const message of buckets[bucket] || []) {
        if (stamps[message.place] === stamp) continue;
        stamps[message.place] = stamp;
        if (message.endRow < first || message.startRow > last) continue;
        const kind = messageClass[message.kindName] || "other";
        if (kind === "beat" || kind === "reply") {
          const isSeen = message.sent === model.number[view.selected]
            || message.arrived === model.number[view.selected] || view.showsAll;
          const isFoldBoth = view.rows[message.startRow].isFold && view.rows[message.endRow].isFold;
          if (isFoldBoth && !isSeen) continue;
        }
        drawMessage(message, kind, parts);
      }
    }
  }

  function drawMessage(message, kind, parts) {
    const x1 = laneX(message.from);
    const x2 = laneX(message.to);
    const side = Math.sign(x2 - x1);
    const y1 = y(message.startRow);
    let y2 = y(message.endRow);
    const isLit = view.selected >= 0 && (message.sent === model.number[view.selected]
      || message.arrived === model.number[view.selected]);
    const sent = model.position(message.sent);
    const isDim = !isLit && sent >= 0 && dimmed(sent);
    const classes = `message m-${kind}${isLit ? " lit" : ""}${isDim ? " dim" : ""}`;
    const about = shape("title", {},
      `n${message.from} → n${message.to}: ${message.words || message.kindName}. ${FateWords[message.fate]}`
      + `, after ${span(message.arrivalTime - message.sentTime)}`);
    if (message.fate === Fate.delivered || message.fate === Fate.again) {
      if (y2 === y1) y2 += rowHeight / 3;
      const extra = message.fate === Fate.again ? " again" : "";
      parts.push(shape("line", {
        x1: x1 + 6 * side, y1, x2: x2 - 7 * side, y2, class: classes + extra,
      }, about));
      const angle = Math.atan2(y2 - y1, x2 - x1 - 13 * side);
      const tip = [x2 - 6 * side, y2];
      const wing = (turn) => `${tip[0] - 8 * Math.cos(angle + turn)},${tip[1] - 8 * Math.sin(angle + turn)}`;
      parts.push(shape("polygon", {
        points: `${tip.join(",")} ${wing(0.4)} ${wing(-0.4)}`, class: `tip ${classes}`,
      }));
      return;
    }
    const isAtReceiver = message.fate === Fate.down;
    const end = isAtReceiver ? x2 - 10 * side : x1 + Math.min(gap * 0.62, Math.abs(x2 - x1) / 2) * side;
    const down = isAtReceiver ? Math.max(y2, y1 + 8) : y1 + 9;
    parts.push(shape("line", { x1: x1 + 6 * side, y1, x2: end, y2: down, class: `${classes} dropped` }, about));
    const cross = message.fate === Fate.underWay ? `M${end} ${down}m-3 0h6`
      : message.fate === Fate.blocked ? `M${end} ${down - 6}v12M${end - 4} ${down - 4}l8 8m0-8l-8 8`
        : `M${end - 4} ${down - 4}l8 8m0-8l-8 8`;
    parts.push(shape("path", { d: cross, class: `cross${isDim ? " dim" : ""}` }));
    if (isLit && message.fate !== Fate.underWay) {
      parts.push(shape("text", { x: end + 6 * side, y: down + 4, class: "drop-label",
        "text-anchor": side > 0 ? "start" : "end" }, ["", "lost", "cut", "down"][message.fate] || ""));
    }
  }

  const disksByRow = () => model.disks;

  function drawDisks(first, last, parts) {
    for (const job of disksByRow()) {
      if (job.lane > 1) continue;
      const start = rowOfEvent(job.asked);
      const end = job.ended ? rowOfEvent(job.ended) : start;
      if (end < first || start > last) continue;
      if (start === end && view.rows[start].isFold) continue;
      const x = laneX(job.node) + (job.lane === 0 ? 10 : 15);
      const about = shape("title", {}, `n${job.node} asked its disk for a ${LaneWords[job.lane]} write: `
        + `${DiskWords[job.fate]}${job.ended ? `, after ${span(job.endTime - job.askedTime)}` : ""}`);
      if (end > start) parts.push(shape("line", { x1: x, x2: x, y1: y(start), y2: y(end), class: "disk-wait" }, about));
      if (!view.rows[start].isFold) parts.push(shape("circle", { cx: x, cy: y(start), r: 3, class: "disk-asked" }));
      if (job.ended) {
        parts.push(job.fate === 0
          ? shape("circle", { cx: x, cy: y(end), r: 3, class: "disk-durable" })
          : shape("path", { d: `M${x - 3} ${y(end) - 3}l6 6m0-6l-6 6`, class: "disk-lost" }));
      }
    }
  }

  function drawRow(position, parts) {
    const row = view.rows[position];
    const place = row.shown;
    const at = y(position);
    if (row.isFold) return;
    const number = model.number[place];
    const node = model.node[place];
    if (node === 0) {
      parts.push(shape("line", {
        x1: laneX(1) - 16, x2: clientX + 10, y1: at, y2: at, class: `across across-${model.kinds[place]}`,
      }));
      return;
    }
    const x = laneX(node);
    const dim = dimmed(place) ? " dim" : "";
    const found = change(place);
    if (found) drawChange(found, x, at, dim, parts);
    for (const ask of model.asks.get(number) || []) {
      const target = laneX(ask[1]) + 8;
      parts.push(shape("path", { d: `M${clientX} ${at}H${target}m6-4l-6 4l6 4`, class: `ask${dim}` }));
    }
    for (const answer of model.answers.get(number) || []) {
      if (answer[3] === 0) continue;
      parts.push(shape("path", {
        d: `M${laneX(answer[1]) + 8} ${at + 3}H${clientX}m-6-4l6 4l-6 4`, class: `answer${dim}`,
      }));
    }
    const kind = model.kinds[place];
    if (number === run.event && run.verdict !== "PASS") {
      parts.push(shape("circle", { cx: x, cy: at, r: 10, class: "violation" }));
    }
    if (kind === "crash" || (found && found.after.role === 5)) {
      parts.push(shape("path", { d: `M${x - 6} ${at - 6}l12 12m0-12l-12 12`, class: `crash${dim}` }));
    } else if (kind === "start") {
      parts.push(shape("path", { d: `M${x - 6} ${at + 5}h12l-6-11z`, class: `start${dim}` }));
    } else {
      parts.push(shape("circle", {
        cx: x, cy: at, r: kind === "tick" ? 2.5 : 4.5, class: `dot dot-${kind}${dim}`,
      }));
    }
    if (place === view.selected) parts.push(shape("circle", { cx: x, cy: at, r: 8, class: "chosen" }));
    if (place === view.pinned) parts.push(shape("rect", { x: x - 8, y: at - 8, width: 16, height: 16, class: "chosen" }));
  }

  /** What the event did to the log, as marks left of the lane. */
  function drawChange({ before, after }, x, at, dim, parts) {
    if (!before) return;
    const marks = [];
    if (after.last > before.last || (after.lastTerm !== before.lastTerm && after.last >= before.last)) {
      marks.push(["grown", `+${after.last}`]);
    }
    if (after.last < before.last) marks.push(["cut", `−${after.last + 1}`]);
    if (after.commitIndex !== before.commitIndex) marks.push(["committed", `✓${after.commitIndex}`]);
    if (after.lastApplied !== before.lastApplied) {
      parts.push(shape("line", { x1: x + 5, x2: x + 9, y1: at - 6, y2: at - 6, class: `applied${dim}` }));
    }
    if (after.snapshot !== before.snapshot) {
      parts.push(shape("path", { d: `M${x} ${at - 9}l5 5l-5 5l-5-5z`, class: `diamond${dim}` },
        shape("title", {}, `snapshot through ${after.snapshot}`)));
    }
    if (after.membersSince !== before.membersSince && newMembers.get(membersKey(after)) === after.event) {
      parts.push(shape("line", { x1: laneX(1) - 16, x2: laneWidth, y1: at + 10, y2: at + 10, class: "members" }));
      parts.push(shape("text", { x: laneX(1) - 14, y: at + 20, class: "members-label" },
        `members from entry ${after.membersSince}: ${after.members}`
        + (before.membersSince > 0 ? `, before: ${before.members}` : "")));
    }
    marks.forEach(([name, text], place) => {
      parts.push(shape("text", {
        x: x - 8, y: at + 4 + place * 9 - (marks.length - 1) * 4, class: `mark mark-${name}${dim}`,
      }, text));
    });
  }

  const membersKey = (state) => `${state.membersSince} ${state.members}`;

  /** At which event each membership was first taken up by anybody. */
  const newMembers = new Map();
  for (let node = 1; node <= model.nodes; node += 1) {
    const line = model.states[node - 1];
    for (let place = 0; place < line.length; place += model.width) {
      const key = `${line[place + 12]} ${data.words[line[place + 11]]}`;
      if (!(newMembers.get(key) <= line[place])) newMembers.set(key, line[place]);
    }
  }

  // MARK: The words of a row

  function words(position) {
    const row = view.rows[position];
    const place = row.shown;
    if (row.isFold) return foldWords(row, position);
    const number = model.number[place];
    const isViolation = number === run.event && run.verdict !== "PASS";
    const clue = data.story.find((one) => one.event === number || one.more.includes(number));
    const classes = ["row", place === view.selected && "selected", place === view.pinned && "pinned",
      isViolation && "is-violation", clue && "is-clue", clue && clue.suspicious && "is-suspicious",
      dimmed(place) && "dim"].filter(Boolean).join(" ");
    const element = make(
      "div", {
        role: "option", id: `row-${place}`, class: classes, "data-place": place,
        "aria-selected": place === view.selected ? "true" : "false",
      },
      make("span", { class: "when" }, make("b", {}, grouped(number)), ` ${seconds(model.time[place])}`),
      make(
        "span", { class: "what" },
        isViolation ? make("strong", { class: "flag" }, `✖ ${run.verdict} `) : null,
        clue && !isViolation ? make("span", { class: "flag" }, clue.suspicious ? "◀ look here  " : "◀ ") : null,
        model.node[place] > 0 ? make("b", { class: "node" }, `n${model.node[place]} `) : null,
        model.headline(place)));
    element.style.top = `${position * rowHeight}px`;
    return element;
  }

  function foldWords(row, position) {
    const counts = new Map();
    for (let place = row.first; place <= row.last; place += 1) {
      const message = model.heardBy.get(model.number[place]);
      const name = message && model.kinds[place] === "deliver" ? message.kindName : model.kinds[place];
      counts.set(name, (counts.get(name) || 0) + 1);
    }
    const text = [...counts].map(([name, count]) => count > 1 ? `${name} × ${count}` : name).join(", ");
    const length = model.time[row.last] - model.time[row.first];
    const element = make(
      "div", {
        role: "option", id: `row-${row.last}`, class: "row fold", "data-fold": row.first,
        "aria-selected": "false",
      },
      make("span", { class: "when" }, "⋯"),
      make("span", { class: "what" }, length > 0 ? `${text}   (${span(length)})` : text));
    element.style.top = `${position * rowHeight}px`;
    return element;
  }

  // MARK: The parts of the page

  function build(section) {
    list = make("div", { class: "rows", role: "presentation" });
    drawing = shape("svg", { class: "lanes", width: laneWidth, "aria-hidden": "true" });
    drawing.style.left = `${whenWidth}px`;
    spacer = make("div", { class: "spacer", role: "presentation" }, list, drawing);
    head = shape("svg", { class: "heads", width: laneWidth, height: 38, "aria-hidden": "true" });
    scroller = make(
      "div", { class: "scroller", role: "listbox", tabindex: "0", id: "events",
        "aria-label": "Events in the order of time" }, spacer);
    const headLine = make("div", { class: "head-line" }, make("span", { class: "when" }, "event, time"),
      head, make("span", { class: "what" }, "what happened"));
    document.documentElement.style.setProperty("--when", `${whenWidth}px`);
    document.documentElement.style.setProperty("--lanes", `${laneWidth}px`);
    section.append(make("div", { class: "board" }, headLine, scroller));
    scroller.addEventListener("scroll", request, { passive: true });
    new ResizeObserver(request).observe(scroller);
    buildRows();
  }

  /** Brings an event into sight; `isCentred` puts it into the middle. */
  function reveal(place, isCentred) {
    const top = view.rowOf[place] * rowHeight;
    const height = scroller.clientHeight;
    if (isCentred || top < scroller.scrollTop + rowHeight * 2
      || top > scroller.scrollTop + height - rowHeight * 4) {
      scroller.scrollTop = Math.max(0, top - (isCentred ? height * 0.6 : height / 2));
    }
    draw();
  }

  return {
    build, draw, request, reveal, buildRows, change, stateBefore, filters: Object.keys(filterTests),
    isHidden: (place) => view.rows[view.rowOf[place]].isFold
      || view.rows[view.rowOf[place]].shown !== place,
    get scroller() { return scroller; },
  };
})();
