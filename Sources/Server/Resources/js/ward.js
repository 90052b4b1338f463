// The ward: one card per patient, the most endangered first, kept up to date by events.

import { get } from "./api.js";
import { byUrgency, openAlert } from "./alerts.js";
import { badge, element, emptyNote, fill, problemNote, sparkline } from "./dom.js";
import * as events from "./events.js";
import { ago, count, heading, instant, number, short } from "./format.js";

const rank = { high: 3, medium: 2, "low-medium": 1, low: 0 };
const kept = 40;

const shown = [
  { key: "heart_rate", label: "Heart rate", unit: "/min", digits: 0 },
  { key: "respiration_rate", label: "Respiration", unit: "/min", digits: 0 },
  { key: "spo2", label: "SpO₂", unit: "%", digits: 0 },
  { key: "systolic", label: "BP", unit: "mmHg", digits: 0 },
  { key: "temperature", label: "Temperature", unit: "°C", digits: 1 },
  { key: "shock_index", label: "Shock index", unit: "", digits: 2 },
];
const parts = [
  ["news2_respiration", "RR", "respiration"], ["news2_spo2", "SpO₂", "oxygen saturation"], ["news2_oxygen", "O₂", "supplemental oxygen"],
  ["news2_systolic", "BP", "systolic pressure"], ["news2_pulse", "HR", "pulse"], ["news2_consciousness", "AVPU", "consciousness"],
  ["news2_temperature", "T", "temperature"],
];

/** NEWS2 as the reading has it: the score, or what is known of it when a measurement is missing. */
export function news2Words(reading) {
  if (reading.news2_total !== null && reading.news2_total !== undefined) return `NEWS2 ${reading.news2_total}`;
  if (reading.news2_total_min === undefined || reading.news2_total_min === null) return "NEWS2 –";
  return `NEWS2 ≥ ${reading.news2_total_min}`;
}

export const band = (reading) => reading.news2_band ?? reading.news2_band_min ?? "unknown";

function vital({ key, label, unit, digits }, reading, history) {
  const text = key === "systolic" ? `${number(reading.systolic, 0)}/${number(reading.diastolic, 0)}` : number(reading[key], digits);
  return element("div", { class: "vital" }, element("div", { class: "label" }, element("span", {}, label), unit ? element("small", {}, unit) : null),
    element("div", { class: "value" }, text),
    sparkline(history.map((each) => each[key]), `${label} of the last ${history.length} readings`));
}

/** The newest vital signs with a line of those before. */
export const vitalSigns = (reading, history) => element("div", { class: "vitals" }, shown.map((each) => vital(each, reading, history)));

/** What a model of anomalies says of the newest readings, and what counted most; null where it says nothing. */
export function anomalyNote(answer) {
  if (answer?.anomaly_score === undefined || answer.anomaly_score === null) return null;
  const why = answer.anomaly_explanation ?? (answer.most_deviating_vital ? heading(answer.most_deviating_vital) : "");
  return element("p", { class: "anomaly", dataset: { flag: String(Boolean(answer.anomaly_flag)) }, title: why ? `What counted most: ${why}` : null },
    element("b", {}, answer.anomaly_flag ? "Unusual" : "Usual"), ` ${number(answer.anomaly_score, 2)}`,
    answer.anomaly_flag && why ? element("span", { class: "why" }, ` · ${why}`) : null);
}

/** The seven parts of NEWS2 as a list of points. */
export const newsParts = (reading) =>
  element("ul", { class: "parts", "aria-label": "Parts of NEWS2" },
    parts.map(([key, label, name]) =>
      element("li", { dataset: { points: String(reading[key] ?? "") }, title: name }, element("b", {}, reading[key] ?? "–"), label)));

/** The parts of NEWS2 that have points, the greatest first. */
export const news2Points = (reading) =>
  parts.map(([key, , name]) => ({ part: name, points: reading[key] })).filter((each) => each.points > 0).sort((left, right) => right.points - left.points);

export function wardBoard(node) {
  const patients = new Map();
  const cards = new Map();
  /** Alerts of patients whose first reading was not told yet. */
  const early = new Map();
  const query = new URLSearchParams(location.search);
  const filter = { ward: query.get("ward") ?? "", text: "", alerting: false };
  const summary = element("div", { class: "ward-summary", "aria-live": "off" });
  const wards = element("select", { "aria-label": "Ward", onchange: (event) => { filter.ward = event.target.value; arrange(); } });
  const search = element("input", { type: "search", placeholder: "Patient", "aria-label": "Find a patient", oninput: (event) => { filter.text = event.target.value.toLowerCase(); arrange(); } });
  const alerting = element("input", { type: "checkbox", id: "only-alerts", onchange: (event) => { filter.alerting = event.target.checked; arrange(); } });
  const beds = element("div", { class: "beds", role: "list", "aria-label": "Patients by risk" });
  fill(node, summary, element("div", { class: "toolbar" }, element("label", { class: "field" }, "Ward", wards), element("label", { class: "field" }, "Find", search),
    element("label", { for: "only-alerts" }, alerting, " only with alerts")), beds);

  function level(patient) {
    return band(patient.latest ?? {});
  }

  function order(left, right) {
    const byAlert = (right.alerts?.length ? 1 : 0) - (left.alerts?.length ? 1 : 0);
    const byBand = (rank[level(right)] ?? -1) - (rank[level(left)] ?? -1);
    const total = (patient) => patient.latest?.news2_total ?? patient.latest?.news2_total_min ?? -1;
    return byBand || byAlert || total(right) - total(left) || (left.patient_id < right.patient_id ? -1 : 1);
  }

  function render(patient) {
    const reading = patient.latest ?? {};
    const state = (patient.alerts ?? []).toSorted(byUrgency)[0];
    const card = cards.get(patient.patient_id) ?? element("article", { class: "bed", role: "listitem", dataset: { patient: patient.patient_id } });
    cards.set(patient.patient_id, card);
    card.dataset.level = level(patient);
    fill(card,
      element("div", { class: "who" },
        element("a", { href: `/patient/${encodeURIComponent(patient.patient_id)}`, title: patient.patient_id }, short(patient.patient_id)),
        badge(level(patient), `${news2Words(reading)} · ${level(patient)}`)),
      vitalSigns(reading, patient.history ?? []),
      newsParts(reading),
      anomalyNote(patient.answer),
      element("div", { class: "foot" },
        element("span", {}, reading.ward ? `${reading.ward} · ` : "", element("time", { class: "age", datetime: reading.event_time, dataset: { at: String(instant(reading.event_time)) } }, ago(reading.event_time))),
        state ? null : element("span", {}, "no alert")),
      state
        ? element("button", { type: "button", class: "bed-alert", dataset: { level: state.severity }, title: state.title ?? state.policy, onclick: () => openAlert(state.id) },
          element("span", {}, state.title ?? state.policy), element("small", {}, patient.alerts.length > 1 ? `${state.state} · ${patient.alerts.length - 1} more` : state.state))
        : null);
    return card;
  }

  function visible(patient) {
    if (filter.ward && patient.latest?.ward !== filter.ward) return false;
    if (filter.text && !patient.patient_id.toLowerCase().includes(filter.text)) return false;
    return !filter.alerting || Boolean(patient.alerts?.length);
  }

  function arrange() {
    const all = [...patients.values()];
    const seen = all.filter(visible).sort(order);
    const wanted = seen.map((patient) => cards.get(patient.patient_id) ?? render(patient));
    if (!wanted.length) {
      fill(beds, emptyNote(all.length ? "No patient matches." : "No vital signs yet. Start some: lakeward simulate vitals, or lakeward demo."));
    } else {
      // Beyond what a screen shows, what is out of sight is not laid out.
      beds.classList.toggle("many", wanted.length > 100);
      // Only what moved is moved, so that focus and scrolling stay.
      beds.querySelector(".empty")?.remove();
      wanted.forEach((card, index) => { if (beds.children[index] !== card) beds.insertBefore(card, beds.children[index] ?? null); });
      while (beds.children.length > wanted.length) beds.lastChild.remove();
    }
    const by = (word) => all.filter((patient) => level(patient) === word).length;
    fill(summary, [["Patients", all.length], ["High", by("high")], ["Medium", by("medium")], ["Low-medium", by("low-medium")], ["With alerts", all.filter((each) => each.alerts?.length).length]]
      .map(([name, value]) => element("div", { class: "tile" }, element("b", {}, count(value)), element("span", {}, name))));
    const names = [...new Set(all.map((each) => each.latest?.ward).filter(Boolean))].sort();
    if (wards.options.length !== names.length + 1) {
      fill(wards, element("option", { value: "" }, "all"), names.map((name) => element("option", { value: name, selected: name === filter.ward }, name)));
    }
  }

  // What events say before the first answer is here waits for it: a card without history would flicker.
  let waiting = [];
  const whenLoaded = (take) => (event) => (waiting ? waiting.push(() => take(event)) : take(event));

  async function load() {
    try {
      const answer = await get(`/patients?history=${kept}&limit=500`);
      for (const patient of answer.patients) patients.set(patient.patient_id, patient);
      patients.forEach(render);
      arrange();
      const [late] = [waiting ?? [], (waiting = null)];
      late.forEach((take) => take());
    } catch (error) {
      if (node.isConnected) fill(beds, problemNote(error));
    }
  }

  let frame = null;
  const changed = new Set();
  const later = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      for (const identifier of changed) {
        const card = render(patients.get(identifier));
        card.classList.remove("changed");
        void card.offsetWidth;
        card.classList.add("changed");
      }
      changed.clear();
      arrange();
    });
  };

  const ends = [
    events.on("scores", whenLoaded((event) => {
      for (const reading of event.readings ?? []) {
        if (reading.anomaly_score !== undefined && reading.anomaly_score !== null && patients.has(reading.patient_id)) {
          patients.get(reading.patient_id).answer = reading;
          changed.add(reading.patient_id);
        }
        // Other pipelines score people who are on no ward.
        if (reading.news2_pulse === undefined) continue;
        const patient = patients.get(reading.patient_id) ?? { patient_id: reading.patient_id, history: [], alerts: early.get(reading.patient_id) ?? [] };
        if (patient.latest && instant(patient.latest.event_time) > instant(reading.event_time)) continue;
        patient.latest = { ...patient.latest, ...reading };
        early.delete(reading.patient_id);
        patient.history = [...(patient.history ?? []), reading].slice(-kept);
        patients.set(reading.patient_id, patient);
        changed.add(reading.patient_id);
      }
      if (changed.size) later();
    })),
    events.on("alert", whenLoaded((alert) => {
      const patient = patients.get(alert.patient_id);
      const others = (patient?.alerts ?? early.get(alert.patient_id) ?? []).filter((each) => each.id !== alert.id);
      const alerts = ["resolved", "dismissed"].includes(alert.state) ? others : [alert, ...others];
      if (!patient) return void (early.size < 1000 && early.set(alert.patient_id, alerts));
      patient.alerts = alerts;
      changed.add(alert.patient_id);
      later();
    })),
    events.on("lost", load),
  ];
  const clock = setInterval(() => {
    for (const each of beds.querySelectorAll(".age")) each.textContent = ago(Number(each.dataset.at));
  }, 5000);
  load();
  return () => {
    ends.forEach((end) => end());
    clearInterval(clock);
    cancelAnimationFrame(frame);
  };
}
