// Alerts: the list, and the dialog in which a person answers one.

import { get, post } from "./api.js";
import { badge, element, emptyNote, fill, problemNote } from "./dom.js";
import * as events from "./events.js";
import { ago, short, time } from "./format.js";

const actions = [
  { name: "acknowledge", label: "Acknowledge", primary: true },
  { name: "snooze", label: "Snooze", fields: [{ name: "minutes", label: "Minutes", type: "number", value: "15", min: "1", max: "240", required: true }] },
  { name: "escalate", label: "Escalate" },
  { name: "comment", label: "Comment", fields: [{ name: "comment", label: "Comment", required: true }] },
  { name: "dismiss", label: "Dismiss", fields: [{ name: "reason", label: "Reason", required: true }] },
];

/** Opens the dialog of one alert. */
export async function openAlert(identifier) {
  const dialog = element("dialog", { "aria-labelledby": "alert-title", class: "alert-dialog", onclose: () => dialog.remove() });
  document.body.append(dialog);
  dialog.showModal();
  await show(dialog, identifier);
}

async function show(dialog, identifier, note) {
  let alert;
  try {
    alert = await get(`/alerts/${encodeURIComponent(identifier)}`);
  } catch (error) {
    return void fill(dialog, problemNote(error), element("div", { class: "actions" }, element("button", { onclick: () => dialog.close() }, "Close")));
  }
  const closed = ["resolved", "dismissed"].includes(alert.state);
  const form = element("div");
  const run = async (action, body) => {
    try {
      await post(`/alerts/${encodeURIComponent(identifier)}/${action.name}`, body);
      await show(dialog, identifier, `${action.label}: done.`);
    } catch (error) {
      fill(form, problemNote(error));
    }
  };
  const ask = (action) => {
    if (!action.fields) return run(action, {});
    const inputs = action.fields.map((field) => [field, element("input", { name: field.name, type: field.type ?? "text", value: field.value ?? "", min: field.min, max: field.max, required: field.required })]);
    fill(form, element("form", {
      class: "actions",
      onsubmit: (event) => {
        event.preventDefault();
        run(action, Object.fromEntries(inputs.map(([field, input]) => [field.name, field.type === "number" ? Number(input.value) : input.value])));
      },
    }, inputs.map(([field, input]) => element("label", { class: "field" }, field.label, input)), element("button", { class: "primary", type: "submit" }, action.label)));
    inputs[0][1].focus();
  };
  fill(dialog,
    element("h2", { id: "alert-title" }, alert.title ?? alert.policy, " ", badge(alert.severity)),
    element("p", {}, "Patient ", element("a", { href: `/patient/${encodeURIComponent(alert.patient_id)}`, onclick: () => dialog.close() }, short(alert.patient_id)),
      alert.ward ? ` · ${alert.ward}` : "", " · ", element("strong", { class: "alert-state" }, alert.state), " · opened ", time(alert.opened_at)),
    alert.message ? element("p", {}, alert.message) : null,
    note ? element("p", { role: "status", class: "quiet" }, note) : null,
    element("div", { class: "actions" }, closed ? null : actions.map((action) =>
      element("button", { type: "button", class: action.primary ? "primary" : null, dataset: { action: action.name }, disabled: action.name === "acknowledge" && alert.state === "acknowledged", onclick: () => ask(action) }, action.label)),
      element("button", { type: "button", onclick: () => dialog.close() }, "Close")),
    form,
    element("h3", {}, "History"),
    element("ol", { class: "timeline" }, (alert.events ?? []).map((each) =>
      element("li", {}, element("span", { class: "quiet" }, time(each.at)), element("span", {}, each.kind ?? each.action, each.by ? ` by ${each.by}` : "", each.reason || each.comment ? `: ${each.reason ?? each.comment}` : "")))));
}

/** The list of alerts that wait for somebody. */
export function alertList(node) {
  const load = async () => {
    try {
      const { alerts } = await get("/alerts?state=open,acknowledged,snoozed&limit=200");
      if (!node.isConnected) return;
      if (!alerts.length) return void fill(node, emptyNote("No open alerts."));
      fill(node, element("div", { class: "scroll" }, element("table", { class: "data" },
        element("caption", { class: "hidden-text" }, "Open alerts"),
        element("thead", {}, element("tr", {}, ["Severity", "Alert", "Patient", "Ward", "State", "Opened", ""].map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, alerts.map((alert) => element("tr", {}, element("td", {}, badge(alert.severity)), element("td", {}, alert.title ?? alert.policy),
          element("td", {}, alert.patient_id ? element("a", { href: `/patient/${encodeURIComponent(alert.patient_id)}`, title: alert.patient_id }, short(alert.patient_id)) : "–"),
          element("td", {}, alert.ward ?? "–"), element("td", {}, alert.state), element("td", { title: time(alert.opened_at) }, ago(alert.opened_at)),
          element("td", {}, element("button", { type: "button", onclick: () => openAlert(alert.id) }, "Open"))))))));
    } catch (error) {
      if (node.isConnected) fill(node, problemNote(error));
    }
  };
  let waiting = null;
  const end = events.on("alert", () => { waiting ??= setTimeout(() => { waiting = null; load(); }, 200); });
  const clock = setInterval(load, 30000);
  load();
  return () => {
    end();
    clearTimeout(waiting);
    clearInterval(clock);
  };
}
