// A form for one record of a model: made from the model's schema, answered with the risk and its reasons.

import { get, post, Problem } from "./api.js";
import { draw } from "./chart.js";
import { badge, element, emptyNote, fill, problemNote } from "./dom.js";
import { heading, number, percent, unit } from "./format.js";

/** What contributions are measured in. */
const scales = { margin: "log odds", probability: "probability", score: "score" };
const storeKey = (model) => `lakeward-history-${model}`;

export function predictionForm(node, panel) {
  const model = panel.model;
  const answer = element("div", { "aria-live": "polite" });
  const chart = element("div", { class: "chart", role: "img", "aria-label": "What moved the risk: waterfall chart" });
  const past = element("div");
  const form = element("form", { novalidate: true });
  fill(node, form, answer, chart, element("h3", {}, "Asked in this tab"), past);
  fill(chart, emptyNote("The reasons appear here with the first prediction."));
  const inputs = new Map();

  function showErrors(error) {
    for (const [, { input, message }] of inputs) {
      input.removeAttribute("aria-invalid");
      message.textContent = "";
    }
    for (const each of error?.errors ?? []) {
      const name = String(each.field ?? each.pointer ?? "").replace(/^[/.#]+/, "");
      const place = inputs.get(name);
      if (!place) continue;
      place.input.setAttribute("aria-invalid", "true");
      place.message.textContent = each.detail ?? each.message ?? "not valid";
    }
    const first = [...inputs.values()].find(({ input }) => input.getAttribute("aria-invalid"));
    first?.input.focus();
  }

  function remember(entry) {
    const all = [entry, ...JSON.parse(sessionStorage.getItem(storeKey(model)) ?? "[]")].slice(0, 20);
    sessionStorage.setItem(storeKey(model), JSON.stringify(all));
  }

  function history() {
    const all = JSON.parse(sessionStorage.getItem(storeKey(model)) ?? "[]");
    fill(past, all.length
      ? element("ol", { class: "timeline" }, all.map((each) => element("li", {}, element("span", { class: "quiet" }, new Date(each.at).toLocaleTimeString()),
        element("span", {}, badge(each.risk), ` ${percent(each.probability, 1)} · ${each.words}`))))
      : emptyNote("Nothing asked yet."));
  }

  async function ask(event) {
    event.preventDefault();
    const record = {};
    for (const [name, { input }] of inputs) {
      if (input.value.trim() === "") continue;
      record[name] = Number.isNaN(Number(input.value)) ? input.value : Number(input.value);
    }
    try {
      const result = await post(model === "diabetes" ? "/predict" : `/predict/${encodeURIComponent(model)}`, record);
      showErrors(null);
      fill(answer, element("p", {}, badge(result.risk), " ", element("strong", { class: "probability" }, percent(result.probability, 1)),
        element("span", { class: "quiet" }, ` · model ${result.model ?? model} version ${result.model_version}`)));
      const values = Object.entries(result.shap_values ?? {}).sort((left, right) => Math.abs(right[1]) - Math.abs(left[1]));
      const base = result.base_value ?? 0;
      const sum = values.reduce((total, [, value]) => total + value, base);
      draw(chart, { id: "shap", chart: "waterfall", x: "feature", y: ["value"], measure: "measure", x_title: scales[result.contribution_scale] ?? result.contribution_scale, empty: "No reasons for this model." }, {
        columns: [{ name: "feature" }, { name: "value" }, { name: "measure" }],
        rows: values.length ? [["Average", base, "absolute"], ...values.map(([name, value]) => [`${heading(name)} = ${record[name] ?? "missing"}`, value, "relative"]), ["This record", sum, "total"]] : [],
      });
      remember({ at: Date.now(), risk: result.risk, probability: result.probability, words: values.slice(0, 2).map(([name]) => `${heading(name)} ${number(record[name])}`).join(", ") });
      history();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showErrors(error);
      fill(answer, problemNote(error));
    }
  }

  async function build() {
    try {
      const details = await get(`/models/${encodeURIComponent(model)}`);
      const fields = details.features ?? [];
      fill(form, element("div", { class: "fields" }, fields.map((field) => {
        const identifier = `field-${model}-${field.name}`;
        const input = element("input", { id: identifier, name: field.name, inputmode: "decimal", value: panel.example?.[field.name] ?? "", "aria-describedby": `${identifier}-error` });
        const message = element("span", { class: "error", id: `${identifier}-error`, role: "alert" });
        inputs.set(field.name, { input, message });
        return element("label", { class: "field", for: identifier }, heading(field.name) + (field.unit ? ` (${unit(field.unit)})` : ""), input,
          field.minimum !== undefined && field.minimum !== null ? element("span", { class: "hint" }, `${number(field.minimum)} to ${number(field.maximum)}`) : null, message);
      })), element("div", { class: "actions" }, element("button", { class: "primary", type: "submit" }, "Predict")));
      form.addEventListener("submit", ask);
      history();
    } catch (error) {
      fill(form, error.status === 404 ? emptyNote(`The model ${model} is not trained yet: lakeward train ${model}`) : problemNote(error));
    }
  }
  build();
}
