// What goes on over time: clients, latency, machines and clocks.

const plots = (() => {
  const width = 960;
  const left = 62;
  const right = 12;
  const end = Math.max(data.endTime, 1);
  const x = (time) => left + (time / end) * (width - left - right);

  /** Bands for what went wrong meanwhile. */
  function shading(height) {
    return data.faults.map((fault) => shape("rect", {
      x: x(fault.start), width: Math.max(1, x(fault.end) - x(fault.start)), y: 4, height: height - 20,
      class: "shade",
    }, shape("title", {}, `${fault.kind} ${fault.nodes.map(nodeName).join(" ")}`)));
  }

  function timeAxis(height) {
    const parts = [];
    for (let step = 0; step <= 6; step += 1) {
      const time = (end * step) / 6;
      parts.push(shape("text", { x: x(time), y: height - 3, class: "tick" }, `${(time / 1e9).toFixed(2)} s`));
    }
    return parts;
  }

  function cursor(height) {
    return shape("line", { class: "cursor", x1: 0, x2: 0, y1: 0, y2: height - 16 });
  }

  function moveCursors(time) {
    for (const line of document.querySelectorAll("line.cursor")) {
      line.setAttribute("x1", x(time));
      line.setAttribute("x2", x(time));
    }
  }

  function frame(name, height, ...parts) {
    const drawing = shape("svg", {
      viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": name,
    }, shading(height), parts, timeAxis(height), cursor(height));
    drawing.addEventListener("click", (event) => {
      const box = drawing.getBoundingClientRect();
      const time = ((((event.clientX - box.left) / box.width) * width - left) / (width - left - right)) * end;
      if (time >= 0 && time <= end) main.select(Math.min(model.atTime(time), model.count - 1), true);
    });
    return drawing;
  }

  // MARK: Clients

  const standings = ["ok", "refused", "unknown", "pending"];

  function clients() {
    const target = document.getElementById("clients");
    const operations = model.operations;
    const subjects = [...new Set(operations.map((one) => one.subject))].sort();
    const choice = make("select", { id: "client-subject" },
      make("option", { value: "" }, "by client"),
      subjects.map((subject) => make("option", { value: subject }, `only ${subject}`)));
    const place = make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Operations of clients" });
    const show = () => place.replaceChildren(history(choice.value));
    choice.addEventListener("change", show);
    fill(target, {}, [
      heading("clients", "Client history",
        `${grouped(operations.length)} operations; a bar from the call to the answer`),
      make("p", {}, make("label", { for: "client-subject" }, "Show "), choice,
        make("span", { class: "legend" }, "   ", standings.map((name) => [
          make("span", { class: `swatch op-${name}` }), ` ${name}  `]))),
      guilty(), longestOrder(), place,
    ]);
    show();
  }

  /** The operation that the verdict is about, if it is about one. */
  function guilty() {
    const named = [...(run.sentence || "").matchAll(/operation (\d+)/g)].map((match) => Number(match[1]));
    const list = named.map((number) => model.operations[number - 1]).filter(Boolean);
    if (list.length === 0) return null;
    return make("div", { class: "banner" }, make("p", {}, "The verdict is about:"), make("ul", {},
      list.map((one) => make("li", {}, `operation ${one.number} of client ${one.client}: ${one.words}, `,
        `${one.result}${one.index ? ` as of entry ${one.index}` : ""}, t=${seconds(one.call)} to `,
        one.ended === null ? "never" : `t=${seconds(one.ended)}`))));
  }

  /** The longest order that was found, and what has no place in it. */
  function longestOrder() {
    const found = data.partialOrder;
    if (!found) return null;
    const name = (number) => {
      const one = model.operations[number - 1];
      return one ? `operation ${number}: ${one.words}, ${one.result}` : `operation ${number}`;
    };
    const shown = found.order.slice(-20);
    const start = found.order.length - shown.length;
    return make("details", { class: "order-box", open: "open" },
      make("summary", {}, `The longest order of what clients saw: ${grouped(found.order.length)} operations`),
      start > 0 ? make("p", { class: "note" }, `${grouped(start)} earlier ones are not shown.`) : null,
      make("ol", { start: String(start + 1) }, shown.map((number) => make("li", {}, name(number)))),
      make("p", {}, `Then the state is ${found.state}, and this fits nowhere: `,
        make("strong", {}, name(found.stuck))));
  }

  const orderOf = new Map((data.partialOrder ? data.partialOrder.order : []).map((number, place) => [number, place + 1]));

  function history(subject) {
    const operations = model.operations.filter((one) => !subject || one.subject === subject);
    const lanes = new Map();
    const free = [];
    const bars = [];
    for (const one of operations) {
      let lane;
      if (subject) {
        lane = free.findIndex((time) => time <= one.call);
        if (lane < 0) lane = free.length;
        free[lane] = one.ended === null ? end : one.ended;
      } else {
        if (!lanes.has(one.client)) lanes.set(one.client, lanes.size);
        lane = lanes.get(one.client);
      }
      const from = x(one.call);
      const to = x(one.ended === null ? end : one.ended);
      bars.push(shape("rect", {
        x: from, width: Math.max(1.5, to - from), y: 6 + lane * 14, height: 10,
        class: `op op-${standings[one.standing]}${one.isRead ? " is-read" : ""}`
          + `${data.partialOrder && data.partialOrder.stuck === one.number ? " is-stuck" : ""}`,
      }, shape("title", {}, `operation ${one.number}, client ${one.client}: ${one.words}: ${one.result}`
        + `${orderOf.has(one.number) ? `, ${orderOf.get(one.number)}. in the longest order` : ""}`
        + `${one.index ? ` at ${one.index}` : ""}, ${one.attempts} × asked`)));
    }
    const count = Math.max(lanes.size, free.length, 1);
    const names = subject ? [] : [...lanes].map(([client, lane]) =>
      shape("text", { x: 4, y: 15 + lane * 14, class: "tick begin" }, `client ${client}`));
    return frame("Operations of clients over time", Math.min(count * 14 + 26, 1400), bars, names);
  }

  // MARK: Latency

  function latency() {
    const target = document.getElementById("latency");
    const done = model.operations.filter((one) => one.ended !== null);
    fill(target, {}, [heading("latency", "Latency and throughput", "over virtual time; what went wrong is shaded")]);
    if (done.length === 0) {
      target.append(make("p", { class: "note" }, "No operation of a client has ended."));
      return;
    }
    const height = 200;
    const most = Math.max(...done.map((one) => one.ended - one.call), 1);
    const least = 1e5;
    const y = (time) => 8 + (1 - Math.log(Math.max(time, least) / least) / Math.log(Math.max(most, least * 10) / least)) * (height - 34);
    const dots = done.map((one) => shape(one.standing === 0 ? "circle" : "path", one.standing === 0 ? {
      cx: x(one.ended), cy: y(one.ended - one.call), r: 2.4, class: "op-dot op-ok",
    } : {
      d: `M${x(one.ended) - 3} ${y(one.ended - one.call) - 3}l6 6m0-6l-6 6`,
      class: `op-cross op-${standings[one.standing]}`,
    }, shape("title", {}, `operation ${one.number}: ${span(one.ended - one.call)}, ${one.result}`)));
    const ticks = [1e6, 1e7, 1e8, 1e9, 1e10].filter((time) => time <= most * 3 && time >= least)
      .map((time) => [
        shape("line", { x1: left, x2: width - right, y1: y(time), y2: y(time), class: "grid" }),
        shape("text", { x: left - 4, y: y(time) + 3, class: "tick end" }, span(time).replace(".0", "")),
      ]);
    target.append(frame("Latency of operations over time", height, ticks, dots));
    const bins = 60;
    const counts = new Array(bins).fill(0);
    for (const one of done) {
      if (one.standing === 0) counts[Math.min(bins - 1, Math.floor((one.ended / end) * bins))] += 1;
    }
    const high = Math.max(...counts, 1);
    const rate = (count) => Math.round((count * bins * 1e9) / end);
    target.append(frame("Throughput of operations over time", 110,
      counts.map((count, bin) => shape("rect", {
        x: x((end * bin) / bins), width: (width - left - right) / bins - 1,
        y: 6 + (1 - count / high) * 80, height: (count / high) * 80, class: "op op-ok",
      }, shape("title", {}, `${rate(count)} a second`))),
      shape("text", { x: left - 4, y: 14, class: "tick end" }, `${rate(high)}/s`)));
  }

  // MARK: Machines

  function lines(name, unit, names, rows, total) {
    const times = data.samples.time;
    const all = [...rows, ...(total ? [total] : [])].flat().filter((value) => value !== null);
    if (all.length === 0) return null;
    const low = Math.min(...all);
    const high = Math.max(...all);
    const height = 150;
    const y = (value) => 8 + (1 - (value - low) / Math.max(high - low, 1e-9)) * (height - 34);
    const path = (values) => {
      let text = "";
      let isDown = false;
      values.forEach((value, place) => {
        if (value === null) { isDown = false; return; }
        text += isDown ? `H${x(times[place]).toFixed(1)}V${y(value).toFixed(1)}`
          : `M${x(times[place]).toFixed(1)} ${y(value).toFixed(1)}`;
        isDown = true;
      });
      return text;
    };
    const parts = rows.map((values, place) => {
      const line = shape("path", { d: path(values), class: `line dash-${place % 4}` }, shape("title", {}, names[place]));
      line.style.setProperty("--hue", termHue(place + 1));
      return line;
    });
    if (total) parts.push(shape("path", { d: path(total), class: "line total" }, shape("title", {}, "total")));
    const legend = make("p", { class: "legend" }, names.map((one, place) => {
      const swatch = make("span", { class: `swatch line-swatch dash-${place % 4}` });
      swatch.style.setProperty("--hue", termHue(place + 1));
      return [swatch, ` ${one}   `];
    }), total ? [make("span", { class: "swatch total-swatch" }), " total (must be flat but for openings)"] : null);
    return make("figure", {}, make("figcaption", {}, name), frame(name, height,
      [low, high].map((value) => shape("text", { x: left - 4, y: y(value) + 4, class: "tick end" }, unit(value))),
      parts), legend);
  }

  function machines() {
    const samples = data.samples;
    const nodeNames = Array.from({ length: model.nodes }, (_, node) => `n${node + 1}`);
    const count = (value) => grouped(Math.round(value));
    const figures = [
      lines("Ledger: balances", count, samples.ledger.names, samples.ledger.lines,
        samples.ledger.names.length ? samples.ledger.total : null),
      lines("Key-value store: which write each key shows", count, samples.values.names, samples.values.lines),
      lines("Topics: next offset", count, samples.offsets.names, samples.offsets.lines),
      lines("Wall clocks: how far from the true time", span, nodeNames, samples.clocks.wall),
      lines("Hybrid clocks: how far from the true time", span, nodeNames, samples.clocks.hybrid),
      lines("Lamport clocks", count, nodeNames, samples.clocks.lamport),
    ].filter(Boolean);
    fill(document.getElementById("machines"), {}, [
      heading("machines", "Machines and clocks", "as the foremost replica shows them"),
      figures.length ? figures : make("p", { class: "note" }, "The recording tells nothing of machines."),
    ]);
  }

  return { clients, latency, machines, moveCursors };
})();
