// The frame: which page is shown, the live connection, the theme and the sign-in.

import { get, token, whenUnauthorized } from "./api.js";
import { release } from "./chart.js";
import { element, fill, problemNote } from "./dom.js";
import * as events from "./events.js";
import { showPage } from "./page.js";
import { showPatient } from "./patient.js";

const main = document.getElementById("main");
const nav = document.getElementById("pages");
const live = document.getElementById("live");
let leave = () => {};
let pages = [];
let turn = 0;

/** The address after the host: /, /pages/NAME or /patient/ID. */
async function show() {
  const mine = ++turn;
  leave();
  leave = () => {};
  release(main);
  const path = decodeURIComponent(location.pathname);
  const name = path.startsWith("/pages/") ? path.slice(7) : path === "/" ? pages[0]?.name : null;
  for (const link of nav.querySelectorAll("a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  fill(main, element("p", { class: "quiet" }, "Loading…"));
  try {
    let end;
    if (path.startsWith("/patient/")) {
      end = await showPatient(main, path.slice(9));
    } else if (name) {
      end = await showPage(main, name);
    } else if (path === "/") {
      fill(main, element("p", { class: "empty" }, "There are no pages: the folder dashboards is empty or could not be found."));
    } else {
      fill(main, problemNote({ title: "There is no such page", detail: path }));
    }
    if (mine !== turn) return end?.();
    leave = end ?? (() => {});
    document.title = `${main.querySelector("h1")?.textContent ?? "Lakeward"} · Lakeward`;
  } catch (error) {
    if (mine !== turn || error.name === "AbortError") return;
    fill(main, problemNote(error));
  }
}

/** Follows a link without loading the frame again. */
export function go(address) {
  if (address === location.pathname + location.search) return;
  history.pushState(null, "", address);
  show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const address = new URL(link.href, location.href);
  const isOurs = address.pathname === "/" || address.pathname.startsWith("/pages/") || address.pathname.startsWith("/patient/");
  if (address.origin !== location.origin || link.target || !isOurs || (address.hash && address.pathname === location.pathname)) return;
  event.preventDefault();
  go(address.pathname + address.search);
});
addEventListener("popstate", show);

document.getElementById("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("lakeward-theme", next);
  show();
});

// Sign-in: a token that an administrator made with `lakeward token create`.
const dialog = document.getElementById("sign-in");
const account = document.getElementById("account");
function signIn() {
  if (dialog.open) return;
  const input = element("input", { id: "token", type: "password", autocomplete: "off", required: true });
  fill(
    dialog,
    element("h2", { id: "sign-in-title" }, "Sign in"),
    element("p", { class: "quiet" }, "Paste your access token. It stays in this tab and is forgotten when the tab is closed."),
    element(
      "form",
      {
        method: "dialog",
        onsubmit: () => {
          token.set(input.value.trim());
          begin();
        },
      },
      element("label", { class: "field", for: "token" }, "Access token", input),
      element("div", { class: "actions" }, element("button", { class: "primary", type: "submit" }, "Sign in"),
        element("button", { type: "button", onclick: () => dialog.close() }, "Cancel")),
    ),
  );
  dialog.showModal();
}
account.addEventListener("click", () => {
  if (!token.get()) return signIn();
  token.set(null);
  begin();
});
whenUnauthorized(signIn);

const words = { open: "live", connecting: "connecting", closed: "not connected" };

async function begin() {
  account.textContent = token.get() ? "Sign out" : "Sign in";
  events.connect((state) => {
    live.dataset.state = state;
    live.textContent = words[state];
  });
  try {
    pages = (await get("/dashboards")).pages;
    fill(nav, pages.map((page) => element("a", { href: `/pages/${page.name}`, dataset: { page: page.name }, title: page.description }, page.title)));
  } catch (error) {
    return void fill(main, problemNote(error));
  }
  await show();
}

begin();
