// The one place that talks to the server. The token is sent in a header, never in a cookie or an address.

const tokenKey = "lakeward-token";
let onUnauthorized = () => {};

export const token = {
  get: () => sessionStorage.getItem(tokenKey),
  set: (value) => (value ? sessionStorage.setItem(tokenKey, value) : sessionStorage.removeItem(tokenKey)),
};

/** What to do when the server wants a token: show the sign-in. */
export function whenUnauthorized(action) {
  onUnauthorized = action;
}

/** An answer that is not 2xx, as RFC 9457 problem details. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.status = status;
    this.title = body.title;
    this.detail = body.detail;
    this.errors = body.errors ?? [];
  }
}

export async function send(path, { method = "GET", body, accept = "application/json", type, signal } = {}) {
  const headers = { Accept: accept };
  const bearer = token.get();
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  let payload = body;
  if (body !== undefined && typeof body !== "string") {
    payload = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  } else if (type) {
    headers["Content-Type"] = type;
  }
  let response;
  try {
    response = await fetch(path, { method, headers, body: payload, signal, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { title: "The server cannot be reached", detail: "Is lakeward still running?" });
  }
  if (response.ok) return response;
  let details = {};
  try {
    details = await response.json();
  } catch {
    details = { title: `The server answered ${response.status}` };
  }
  if (response.status === 401) onUnauthorized();
  throw new Problem(response.status, details);
}

export async function get(path, options) {
  return (await send(path, options)).json();
}

export async function post(path, body, options = {}) {
  const response = await send(path, { method: "POST", body, ...options });
  return response.status === 204 ? null : response.json();
}
