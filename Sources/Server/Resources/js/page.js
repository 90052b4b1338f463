// A page of the folder dashboards: its panels, each drawn from its query, refreshed by events or by the clock.

import { get } from "./api.js";
import { chartKinds, draw, table } from "./chart.js";
import { element, emptyNote, fill, problemNote } from "./dom.js";
import * as events from "./events.js";
import { ago, bytes, count, number, percent } from "./format.js";
import { alertList } from "./alerts.js";
import { predictionForm } from "./prediction.js";
import { sqlConsole } from "./sql.js";
import { wardBoard } from "./ward.js";

/** Panels that are more than a query and a drawing. Each takes (node, panel, page) and may return what ends it. */
const views = { ward: wardBoard, alerts: alertList, prediction: predictionForm, sql: sqlConsole };

const units = {
  percent: (value) => percent(value, 1), bytes, seconds: (value) => `${number(value)} s`, ago: (value) => ago(value), count,
};

function drawStat(node, panel, result) {
  const value = result.rows[0]?.[0];
  const word = units[panel.unit];
  fill(node, element("div", { class: "stat" }, word ? word(value) : typeof value === "number" ? number(value) : String(value ?? "–"),
    word || !panel.unit ? null : element("small", {}, ` ${panel.unit}`)));
}

function drawTable(node, panel, result) {
  if (!result.rows.length) return fill(node, emptyNote(panel.empty ?? "No rows yet."));
  // Sorting and scrolling of a reader survive a refresh that brought nothing new.
  const text = JSON.stringify(result.rows);
  if (node.dataset.rows === text) return;
  node.dataset.rows = text;
  const top = node.querySelector(".scroll")?.scrollTop ?? 0;
  const link = (row, name, names) => {
    if (name !== "patient_id" && name !== "patient") return null;
    return row[names.indexOf(name)] ? `/patient/${encodeURIComponent(row[names.indexOf(name)])}` : null;
  };
  fill(node, table(result, { caption: panel.title, link, levelsIn: panel.levels ?? [], missing: "–" }));
  node.querySelector(".scroll").scrollTop = top;
}

/** Shows a page; returns what stops its refreshing. */
export async function showPage(main, name) {
  const page = await get(`/dashboards/${encodeURIComponent(name)}`);
  const ends = [];
  const refreshers = [];
  const query = new URLSearchParams(location.search);
  const chosen = (page.parameters ?? []).filter((each) => query.has(each.name)).map((each) => `${each.name}=${query.get(each.name)}`);
  const choices = chosen.length ? `?choices=${encodeURIComponent(chosen.join(";"))}` : "";

  const panels = page.panels.map((panel) => {
    const body = element("div", { class: chartKinds.includes(panel.chart) ? `chart ${panel.tall ? "tall" : ""}` : "" });
    const node = element("section", { class: `panel w-${panel.width ?? 12}`, id: `panel-${panel.id}`, "aria-labelledby": `title-${panel.id}` },
      element("h2", { id: `title-${panel.id}` }, panel.title), panel.description ? element("p", { class: "description" }, panel.description) : null, body);
    if (panel.view) {
      ends.push(views[panel.view](body, panel, page));
      return node;
    }
    if (chartKinds.includes(panel.chart)) body.setAttribute("role", "img"), body.setAttribute("aria-label", `${panel.title}: chart`);
    let busy = false;
    refreshers.push(async () => {
      if (busy || document.hidden) return;
      busy = true;
      try {
        const result = await get(`/dashboards/${encodeURIComponent(name)}/panels/${encodeURIComponent(panel.id)}${choices}`);
        if (!body.isConnected) return;
        if (panel.chart === "stat") drawStat(body, panel, result);
        else if (panel.chart === "table") drawTable(body, panel, result);
        else draw(body, panel, result, panel.choose ? (value) => choose(panel.choose, value) : undefined);
      } catch (error) {
        if (body.isConnected) fill(body, problemNote(error));
      } finally {
        busy = false;
      }
    });
    return node;
  });

  fill(main, element("div", { class: "heading" }, element("h1", {}, page.title), page.description ? element("p", { class: "quiet" }, page.description) : null),
    filters(page, query), element("div", { class: "grid" }, panels));

  const refresh = () => refreshers.forEach((each) => each());
  refresh();
  if (page.refresh_seconds) {
    const timer = setInterval(refresh, page.refresh_seconds * 1000);
    ends.push(() => clearInterval(timer));
  }
  if (page.refresh_on?.length) {
    // Many commits of one moment are one refresh.
    let waiting = null;
    const soon = (event) => {
      if (!page.refresh_on.includes(event.table)) return;
      waiting ??= setTimeout(() => {
        waiting = null;
        refresh();
      }, 400);
    };
    ends.push(events.on("commit", soon), () => clearTimeout(waiting));
  }
  const woken = () => document.hidden || refresh();
  document.addEventListener("visibilitychange", woken);
  ends.push(() => document.removeEventListener("visibilitychange", woken));
  return () => ends.forEach((end) => end?.());
}

/** Sets one of the page's parameters as its form would, so that the address says what is shown. */
function choose(name, value) {
  const query = new URLSearchParams(location.search);
  query.set(name, value);
  const link = element("a", { href: `${location.pathname}?${query}` });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Parameters that a page declares become a form that writes the address, so that a view can be shared. */
function filters(page, query) {
  if (!page.parameters?.length) return null;
  return element("form", { class: "toolbar", method: "get", action: location.pathname },
    page.parameters.map((each) =>
      element("label", { class: "field" }, each.title,
        each.options
          ? element("select", { name: each.name }, each.options.map((option) => element("option", { value: option, selected: (query.get(each.name) ?? each.default) === option }, option)))
          : element("input", { name: each.name, value: query.get(each.name) ?? each.default ?? "" }))),
    element("button", { type: "submit" }, "Show"));
}
