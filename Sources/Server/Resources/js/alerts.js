// Alerts: the list, and the dialog in which a person answers one.

import { get, post } from "./api.js";
import { badge, element, emptyNote, fill, problemNote } from "./dom.js";
import * as events from "./events.js";
import { ago, heading, instant, number, short, time } from "./format.js";

const actions = [
  { name: "acknowledge", label: "Acknowledge", primary: true },
  { name: "snooze", label: "Snooze", fields: [{ name: "minutes", label: "Minutes", type: "number", value: "15", min: "1", max: "240", required: true }] },
  { name: "escalate", label: "Escalate" },
  { name: "comment", label: "Comment", fields: [{ name: "comment", label: "Comment", required: true }] },
  { name: "resolve", label: "Resolve" },
  { name: "dismiss", label: "Dismiss", fields: [{ name: "reason", label: "Reason", required: true }] },
];

/** What the policy shows of the reading that opened the alert. */
function facts(values) {
  const known = Object.entries(values ?? {}).filter(([, value]) => value !== null);
  if (!known.length) return null;
  return element("dl", { class: "facts" }, known.map(([name, value]) =>
    element("div", {}, element("dt", {}, heading(name)), element("dd", {}, typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 2) : String(value)))));
}

const kinds = { patient: "Patient", model: "Model", ward: "Ward" };
const kindOf = (alert) => kinds[alert.about] ?? kinds.patient;

/** Whom or what an alert is about, as a link to its page; a ward has no page of its own. */
function subject(alert, onclick) {
  const name = alert.patient_id;
  if (!name) return "–";
  if (kindOf(alert) === kinds.ward) return name;
  if (kindOf(alert) === kinds.model) return element("a", { href: "/pages/models", onclick }, name);
  return element("a", { href: `/patient/${encodeURIComponent(name)}`, title: name, onclick }, short(name));
}

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
  const closed = isClosed(alert);
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
    element("p", {}, `${kindOf(alert)} `, subject(alert, () => dialog.close()),
      alert.ward ? ` · ${alert.ward}` : "", " · ", element("strong", { class: "alert-state" }, alert.state), " · opened ", time(alert.opened_at)),
    alert.message ? element("p", {}, alert.message) : null,
    facts(alert.facts),
    note ? element("p", { role: "status", class: "quiet" }, note) : null,
    element("div", { class: "actions" }, closed ? null : actions.map((action) =>
      element("button", { type: "button", class: action.primary ? "primary" : null, dataset: { action: action.name }, disabled: action.name === "acknowledge" && alert.state === "acknowledged", onclick: () => ask(action) }, action.label)),
      element("button", { type: "button", onclick: () => dialog.close() }, "Close")),
    form,
    element("h3", {}, "History"),
    element("ol", { class: "timeline" }, (alert.events ?? []).map((each) =>
      element("li", {}, element("span", { class: "quiet" }, time(each.at)), element("span", {}, each.kind ?? each.action, each.by ? ` by ${each.by}` : "", each.reason || each.comment ? `: ${each.reason ?? each.comment}` : "")))));
}

const isClosed = (alert) => ["resolved", "dismissed"].includes(alert.state);
const urgency = { high: 0, medium: 1, low: 2, advisory: 3 };

/** Open before acknowledged, the urgent first, the newest first. */
export function byUrgency(left, right) {
  const waits = (alert) => (alert.state === "acknowledged" ? 1 : 0);
  return waits(left) - waits(right) || (urgency[left.severity] ?? 9) - (urgency[right.severity] ?? 9) || instant(right.opened_at) - instant(left.opened_at);
}

function card(alert) {
  return element("li", { class: "alert-card", dataset: { level: alert.severity, state: alert.state, alert: alert.id } },
    element("div", { class: "alert-head" }, badge(alert.severity), element("time", { class: "quiet", datetime: alert.opened_at, title: time(alert.opened_at) }, ago(alert.opened_at))),
    element("p", { class: "alert-title" }, alert.title ?? alert.policy),
    element("div", { class: "alert-foot" },
      element("span", {}, subject(alert),
        alert.ward ? ` · ${alert.ward}` : "", element("span", { class: "alert-state" }, ` · ${alert.snoozed_until && instant(alert.snoozed_until) > Date.now() ? "snoozed" : alert.state}`)),
      element("button", { type: "button", "aria-label": `Open: ${alert.title ?? alert.policy}, ${kindOf(alert).toLowerCase()} ${kindOf(alert) === kinds.patient ? short(alert.patient_id) : alert.patient_id}`, onclick: () => openAlert(alert.id) }, "Open")));
}

/** The list of alerts that wait for somebody. It is read once; events keep it as it is. */
export function alertList(node) {
  const known = new Map();
  const most = 200;
  let frame = null;
  const render = () => {
    frame = null;
    const all = [...known.values()].sort(byUrgency);
    if (!all.length) return void fill(node, emptyNote("No open alerts."));
    // Whoever has a button of the list under the keyboard keeps it.
    const held = document.activeElement?.closest?.(".alert-card")?.dataset.alert;
    const waiting = all.filter((alert) => alert.state !== "acknowledged").length;
    fill(node, element("p", { class: "quiet" }, `${waiting} open, ${all.length - waiting} acknowledged`),
      element("ul", { class: "alert-list", "aria-label": "Open alerts" }, all.slice(0, most).map(card)));
    if (held) node.querySelector(`[data-alert="${CSS.escape(held)}"] button`)?.focus();
  };
  const take = (alert) => {
    if (isClosed(alert)) known.delete(alert.id);
    else known.set(alert.id, alert);
    frame ??= requestAnimationFrame(render);
  };
  const load = async () => {
    try {
      const { alerts } = await get(`/alerts?state=open,acknowledged&limit=${most}`);
      if (!node.isConnected) return;
      known.clear();
      alerts.forEach((alert) => known.set(alert.id, alert));
      render();
    } catch (error) {
      if (node.isConnected) fill(node, problemNote(error));
    }
  };
  const end = events.on("alert", take);
  // What was missed for good is read again.
  const endLost = events.on("lost", load);
  const clock = setInterval(() => {
    for (const each of node.querySelectorAll(".alert-card time")) each.textContent = ago(each.getAttribute("datetime"));
  }, 5000);
  load();
  return () => {
    end();
    endLost();
    cancelAnimationFrame(frame);
    clearInterval(clock);
  };
}
