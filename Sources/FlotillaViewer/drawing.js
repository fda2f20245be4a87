// Small tools: elements from text that is never taken for markup, numbers as people read them.

const svgSpace = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(plain(child)));
  }
  return element;
}

/** An element. Children that are no elements become text, whatever they hold. */
function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Puts other children into an element. */
function refill(element, ...children) {
  element.replaceChildren();
  return fill(element, {}, children);
}

/** An element of a drawing. */
function shape(tag, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

/** Text in which no mark turns the direction of what stands beside it. */
function plain(text) {
  return String(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

function seconds(nanoseconds, digits = 3) {
  return `${(nanoseconds / 1e9).toFixed(digits)} s`;
}

function span(nanoseconds) {
  const size = Math.abs(nanoseconds);
  if (size < 1e3) return `${nanoseconds} ns`;
  if (size < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} µs`;
  if (size < 1e9) return `${(nanoseconds / 1e6).toFixed(1)} ms`;
  return `${(nanoseconds / 1e9).toFixed(2)} s`;
}

const nodeName = (node) => (node > 0 ? `n${node}` : "none");

/** A link to an event. */
function eventLink(number, text) {
  return make(
    "a", { href: `#e=${number}`, class: "event-link", "data-event": number },
    text || `event ${grouped(number)}`);
}

/** Sentences in which nodes stand out and events are links. */
function linked(text) {
  const parts = [];
  const pattern = /\bn(\d+)\b|\bevent ([\d,]+)\b/g;
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(end, match.index));
    if (match[1]) parts.push(make("b", { class: "node" }, match[0]));
    else parts.push(eventLink(Number(match[2].replace(/,/g, "")), match[0]));
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

function heading(id, text, note) {
  return make("h2", { id: `${id}-title` }, text, note ? make("small", {}, ` ${note}`) : null);
}

function table(caption, head, rows, options = {}) {
  return make(
    "table", { class: options.class },
    make("caption", { class: options.showCaption ? null : "unseen" }, caption),
    make("thead", {}, make("tr", {}, head.map((cell) => make("th", { scope: "col" }, cell)))),
    make("tbody", {}, rows.map((row) => make(
      "tr", { class: row.class },
      (row.cells || row).map((cell, place) =>
        cell instanceof HTMLTableCellElement ? cell
          : place === 0 && !options.plain ? make("th", { scope: "row" }, cell)
            : make("td", {}, cell))))));
}

function copyButton(label, text) {
  const button = make("button", { type: "button" }, label);
  button.addEventListener("click", async () => {
    let isDone = false;
    try {
      await navigator.clipboard.writeText(text);
      isDone = true;
    } catch {
      // Without leave to use the clipboard: through a selection.
      const area = make("textarea", { class: "unseen", "aria-label": label });
      area.value = text;
      document.body.append(area);
      area.select();
      isDone = document.execCommand("copy");
      area.remove();
    }
    announce(isDone ? "Copied." : `Could not copy: ${text}`);
    button.textContent = isDone ? "Copied ✓" : label;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}

function announce(text) {
  document.getElementById("live").textContent = plain(text);
}

/** The colour of a term: neighbours differ, and the number stands beside it. */
const termHue = (term) => (term * 137) % 360;
