// The console that served this page: asking it, and listening to what happens.

const desk = (() => {
  const place = "flotilla-console-token";
  const listeners = { state: [], event: [], log: [], link: [] };
  let token = "";
  let link = "asking";
  let last = "0";

  /** The token is in the part of the address that no server sees, and is taken out of it at once. */
  function begin() {
    const found = /^#token=([0-9a-f]+)$/.exec(location.hash);
    if (found) {
      token = found[1];
      history.replaceState(null, "", location.pathname);
      // So that the page can be loaded anew; it is gone when this tab is.
      try { sessionStorage.setItem(place, token); } catch { /* Then it lasts until then. */ }
    } else {
      try { token = sessionStorage.getItem(place) || ""; } catch { token = ""; }
    }
    listen();
  }

  function useToken(text) {
    token = text;
    try { sessionStorage.setItem(place, token); } catch { /* As above. */ }
    setLink("asking");
  }

  const tell = (kind, value) => { for (const one of listeners[kind]) one(value); };

  function setLink(words) {
    if (link === words) return;
    link = words;
    tell("link", words);
  }

  /** Asks the console. What comes back has `ok`, and `document` or the words of what is wrong. */
  async function ask(method, target, body) {
    try {
      const response = await fetch(target, {
        method, headers: { authorization: `Bearer ${token}`, accept: "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store", credentials: "omit", redirect: "error",
      });
      const document = await response.json();
      if (response.status === 401) setLink("token");
      return { ok: response.ok, document, detail: document.detail || "" };
    } catch {
      return { ok: false, document: null, detail: "the console does not answer" };
    }
  }

  /** One event of the stream, from its lines. */
  function take(block) {
    let kind = "";
    let data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("id: ")) last = line.slice(4);
      else if (line.startsWith("event: ")) kind = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (!listeners[kind] || kind === "link" || data === "") return;
    try { tell(kind, JSON.parse(data)); } catch (error) { reportError(error); }
  }

  async function hear() {
    const response = await fetch(`/v1/events?follow&state&lines=all&after=${last}`, {
      headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
      cache: "no-store", credentials: "omit", redirect: "error",
    });
    if (response.status === 401) return setLink("token");
    if (!response.ok || !response.body) return setLink("silent");
    setLink("open");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return setLink("silent");
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) take(block);
    }
  }

  async function listen() {
    for (;;) {
      if (link !== "token") {
        try { await hear(); } catch { setLink("silent"); }
      }
      await new Promise((done) => { setTimeout(done, 500); });
    }
  }

  return { begin, ask, useToken, on(kind, listener) { listeners[kind].push(listener); } };
})();
