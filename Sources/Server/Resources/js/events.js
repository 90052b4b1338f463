// Server-sent events over fetch: EventSource cannot send the token's header. Reconnects with growing pauses and asks
// for what it missed by Last-Event-ID.

import { token } from "./api.js";

const listeners = new Map();
let lastIdentifier = null;
let controller = null;
let pause = 500;

/** Calls `action(data, name)` for each event of that name ("*": every one). Returns what ends it. */
export function on(name, action) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(action);
  return () => listeners.get(name).delete(action);
}

function dispatch(name, data) {
  for (const action of [...(listeners.get(name) ?? []), ...(listeners.get("*") ?? [])]) action(data, name);
}

/** Opens the stream and keeps it open. `report(state)` hears open, connecting and closed. */
export function connect(report) {
  controller?.abort();
  controller = new AbortController();
  const own = controller;
  (async () => {
    while (!own.signal.aborted) {
      report("connecting");
      try {
        await read(own.signal, report);
      } catch (error) {
        if (own.signal.aborted) return;
        if (error.fatal) return report("closed");
      }
      report("closed");
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 2, 10000);
    }
  })();
}

async function read(signal, report) {
  const headers = { Accept: "text/event-stream" };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  if (lastIdentifier !== null) headers["Last-Event-ID"] = lastIdentifier;
  const response = await fetch("/events", { headers, signal, credentials: "omit", cache: "no-store" });
  if (!response.ok) {
    const error = new Error(`status ${response.status}`);
    error.fatal = response.status === 401 || response.status === 403;
    throw error;
  }
  report("open");
  pause = 500;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    blocks.forEach(take);
  }
}

function take(block) {
  let name = "message";
  const lines = [];
  for (const line of block.split("\n")) {
    const [field, value] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).replace(/^ /, "")];
    if (field === "event") name = value;
    else if (field === "data") lines.push(value);
    else if (field === "id") lastIdentifier = value;
  }
  if (!lines.length) return;
  try {
    dispatch(name, JSON.parse(lines.join("\n")));
  } catch {
    // An event that is not JSON is not ours.
  }
}
