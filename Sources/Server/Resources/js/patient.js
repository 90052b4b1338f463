// One patient: where they stand now, how they got here, why, and what was done.

import { get } from "./api.js";
import { openAlert } from "./alerts.js";
import { draw, table } from "./chart.js";
import { badge, element, emptyNote, fill } from "./dom.js";
import * as events from "./events.js";
import { ago, heading, instant, time } from "./format.js";
import { anomalyNote, band, news2Points, news2Words, newsParts, vitalSigns } from "./ward.js";

const trends = [
  { id: "circulation", title: "Heart rate and blood pressure", y: ["heart_rate", "systolic", "diastolic", "mean_arterial_pressure"], unit: "/min, mmHg" },
  { id: "oxygen", title: "Oxygen saturation", y: ["spo2"], unit: "%" },
  { id: "respiration", title: "Respiration rate", y: ["respiration_rate"], unit: "/min" },
  { id: "temperature", title: "Temperature", y: ["temperature"], unit: "°C" },
];

/** Columns that say where a row came from, and whose page this is. */
const hidden = new Set(["patient_id", "partition", "offset", "ingest_time", "source"]);

/** The type that a table shows a column's values as. */
const typeOf = (rows, name) => (name.endsWith("_time") ? "TIMESTAMP" : rows.some((row) => typeof row[name] === "number") ? "DOUBLE" : "VARCHAR");

/** Rows as objects become the columns and rows that a chart or a table wants. */
const asResult = (rows, names) => ({ columns: names.map((name) => ({ name, type: typeOf(rows, name) })), rows: rows.map((row) => names.map((name) => row[name] ?? null)) });

export async function showPatient(main, identifier) {
  const address = `/patients/${encodeURIComponent(identifier)}`;
  let patient = await get(address);
  const section = (title, width, ...children) => element("section", { class: `panel w-${width}` }, element("h2", {}, title), children);

  const head = element("div");
  const charts = new Map(trends.map((trend) => [trend.id, element("div", { class: "chart", role: "img", "aria-label": `${trend.title}: chart` })]));
  const scores = element("div", { class: "chart", role: "img", "aria-label": "Score history: chart" });
  const unusual = element("div", { class: "chart", role: "img", "aria-label": "Anomaly score: chart" });
  const reasons = element("div", { class: "chart", role: "img", "aria-label": "Reasons: chart" });
  const why = element("p", { class: "description" });
  const happened = element("div");
  const model = element("div");
  fill(main,
    element("div", { class: "heading" }, element("h1", {}, "Patient"), element("span", { class: "mono" }, identifier), element("a", { href: "/pages/ward" }, "Back to the ward")),
    element("div", { class: "grid" }, section("Now", 4, head), section("Score history", 8, scores), trends.map((trend) => section(trend.title, 6, charts.get(trend.id))),
      section("Anomaly score", 6, unusual), section("Why: top contributions", 6, why, reasons), section("Events", 12, happened), section("Scores of models", 12, model)));

  function render() {
    const history = patient.history ?? patient.vitals ?? [];
    const latest = patient.latest ?? history.at(-1) ?? {};
    const answers = (patient.scores ?? []).flatMap((each) => each.rows ?? []);
    const anomalies = answers.filter((each) => each.anomaly_score !== undefined && each.anomaly_score !== null);
    const answer = anomalies[0];
    fill(head,
      element("p", {}, badge(band(latest), `${news2Words(latest)} · ${band(latest)}`)),
      newsParts(latest),
      vitalSigns(latest, history.slice(-40)),
      anomalyNote(answer),
      latest.qsofa_positive ? element("p", {}, badge("high", "qSOFA positive")) : null,
      element("p", { class: "quiet" }, latest.ward ? `${latest.ward} · ` : "", "last reading ", ago(latest.event_time), latest.suspect ? ` · doubtful: ${latest.suspect}` : ""));
    for (const trend of trends) {
      draw(charts.get(trend.id), { ...trend, chart: "line", x: "event_time", empty: "No readings." }, asResult(history, ["event_time", ...trend.y]));
    }
    draw(scores, {
      id: "scores", chart: "line", x: "event_time", y: ["news2_total", "news2_total_min"], unit: "NEWS2", empty: "No NEWS2 yet.",
      names: { news2_total: "NEWS2", news2_total_min: "Known part, where a measurement is missing" },
    }, asResult(history.map((each) => ({ ...each, news2_total_min: each.news2_total === null ? each.news2_total_min : null })), ["event_time", "news2_total", "news2_total_min"]));
    draw(unusual, { id: "anomaly", chart: "line", x: "event_time", y: ["anomaly_score"], unit: "score", empty: "No model of anomalies is live for this patient's readings." },
      asResult([...anomalies].reverse(), ["event_time", "anomaly_score"]));
    renderReasons(latest, patient.scores?.find((each) => each.table === patient.explained?.table)?.rows ?? []);
    const alerts = patient.alerts ?? [];
    fill(happened, alerts.length
      ? element("ol", { class: "timeline" }, alerts.map((alert) => element("li", {}, element("span", { class: "quiet" }, time(alert.opened_at)),
        element("span", {}, element("button", { type: "button", class: "plain", onclick: () => openAlert(alert.id) }, alert.title ?? alert.policy), " ", badge(alert.severity), " ", alert.state))))
      : emptyNote("No alerts."));
    const scored = (patient.scores ?? []).filter((each) => each.rows?.length);
    fill(model, scored.length
      ? scored.map((each) => element("details", { open: scored.length === 1 }, element("summary", {}, each.table),
        table(asResult(each.rows, Object.keys(each.rows[0]).filter((name) => !hidden.has(name))), { caption: each.table, levelsIn: ["risk", "news2_band"], missing: "–" })))
      : emptyNote("No model scores."));
  }
  /** The newest model's reasons; without a model the parts of NEWS2 are the reasons. */
  function renderReasons(latest, rows) {
    const contributions = patient.contributions ?? [];
    const explained = patient.explained;
    const words = rows.map((each) => each.anomaly_explanation ?? each.explanation).find(Boolean);
    if (contributions.length) {
      fill(why, `What each feature adds to the newest answer of the model ${explained?.model ?? ""}, version ${explained?.model_version ?? ""}`,
        explained?.class ? `, class ${explained.class}` : "", explained?.contribution_scale ? ` (${explained.contribution_scale}).` : ".", words ? ` When it last stood out: ${words}.` : "");
      const rows = contributions.map((each) => ({ ...each, feature: heading(each.feature) }));
      return draw(reasons, { id: "reasons", chart: "bar", horizontal: true, signed: true, x: "feature", y: ["contribution"] }, asResult(rows, ["feature", "contribution"]));
    }
    const parts = news2Points(latest);
    fill(why, parts.length ? "Points of each part of NEWS2." : "");
    draw(reasons, { id: "reasons", chart: "bar", horizontal: true, x: "part", y: ["points"], empty: "No model has scored this patient, and no part of NEWS2 has points." }, asResult(parts, ["part", "points"]));
  }
  render();

  let waiting = null;
  const reload = () => {
    waiting ??= setTimeout(async () => {
      waiting = null;
      try {
        patient = await get(address);
        if (head.isConnected) render();
      } catch {
        // The next event tries again; what is shown stays.
      }
    }, 250);
  };
  const ends = [
    events.on("scores", (event) => {
      const mine = (event.readings ?? []).filter((each) => each.patient_id === identifier);
      if (mine.some((each) => instant(each.event_time) > instant((patient.latest ?? {}).event_time ?? 0))) reload();
    }),
    events.on("alert", (alert) => { if (alert.patient_id === identifier) reload(); }),
  ];
  return () => {
    ends.forEach((end) => end());
    clearTimeout(waiting);
  };
}
