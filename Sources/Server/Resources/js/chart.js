// A chart from columns and rows: what the page's YAML says (chart, x, y, by) and what the query gave.

import { element, emptyNote } from "./dom.js";
import { count, heading, instant, moment, number, short } from "./format.js";

const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const series = () => [1, 2, 3, 4, 5, 6, 7, 8].map((index) => variable(`--series-${index}`));
const levels = { high: "--high", critical: "--high", medium: "--medium", "low-medium": "--low-medium", low: "--low", "predicted ill": "--series-2", "predicted well": "--series-1" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** The colour that a word such as High has everywhere; undefined for other words. */
const levelColour = (word) => {
  const name = levels[String(word ?? "").toLowerCase()];
  return name ? variable(name) : undefined;
};

function layout(panel, extra = {}) {
  const text = variable("--text");
  const line = variable("--line");
  const axis = (title) => ({
    title: { text: title ?? "", font: { size: 12, color: variable("--muted") } },
    gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true, tickfont: { color: variable("--muted") },
  });
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text, family: "inherit", size: 13 },
    margin: { l: 50, r: 16, t: 10, b: 40 }, colorway: series(), showlegend: Boolean(panel.by) || (panel.y?.length ?? 0) > 1,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, xaxis: axis(panel.x_title), yaxis: axis(panel.unit ?? panel.y_title),
    hoverlabel: { font: { family: "inherit" } }, uirevision: panel.id ?? "same", ...extra,
  };
}

const column = (result, name) => {
  const index = result.columns.findIndex((each) => each.name === name);
  return index < 0 ? [] : result.rows.map((row) => row[index]);
};

/** Rows divided by the value of a column, in order of first appearance. */
function groups(result, name) {
  const found = new Map();
  column(result, name).forEach((value, index) => {
    if (!found.has(value)) found.set(value, []);
    found.get(value).push(index);
  });
  return found;
}

const pick = (values, indexes) => indexes.map((index) => values[index]);

function xyTraces(panel, result, make) {
  const x = column(result, panel.x);
  if (panel.by) {
    return [...groups(result, panel.by)].map(([value, indexes]) =>
      make(pick(x, indexes), pick(column(result, panel.y[0]), indexes), String(value ?? "none"), levelColour(value)));
  }
  return panel.y.map((name) => make(x, column(result, name), panel.names?.[name] ?? heading(name)));
}

/** The points of a line that a column marks. */
function flags(panel, result) {
  if (!panel.flag) return [];
  const marked = column(result, panel.flag).flatMap((value, index) => (value ? [index] : []));
  return [{
    type: "scatter", mode: "markers", x: pick(column(result, panel.x), marked), y: pick(column(result, panel.y[0]), marked),
    text: panel.by ? pick(column(result, panel.by), marked) : undefined, name: "Signal",
    marker: { symbol: "triangle-down", size: 11, color: variable("--high"), line: { width: 1, color: variable("--text") } },
  }];
}

/** Round numbers up to a largest value, for an axis that goes to both sides. */
function ticks(largest) {
  const rough = largest / 3 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough));
  const up = Array.from({ length: Math.ceil(largest / step) + 1 }, (_, index) => index * step);
  const values = [...up.slice(1).map((each) => -each).reverse(), ...up];
  return { tickvals: values, ticktext: values.map((each) => count(Math.abs(each))) };
}

const drawings = {
  line: (panel, result) => ({
    traces: [...xyTraces(panel, result, (x, y, name, color) => ({
      type: "scatter", mode: x.length > 60 ? "lines" : "lines+markers", x, y, name, connectgaps: false, line: { color, width: 2 },
    })), ...flags(panel, result)],
  }),
  area: (panel, result) => ({
    traces: xyTraces(panel, result, (x, y, name, color) => ({
      type: "scatter", mode: "lines", x, y, name, stackgroup: "all", line: { color, width: 1 },
    })),
  }),
  bar: (panel, result) => ({
    traces: xyTraces(panel, result, (x, y, name, color) =>
      panel.horizontal
        ? { type: "bar", orientation: "h", x: y, y: x, name, marker: { color: panel.signed ? y.map((value) => variable(value > 0 ? "--high" : "--low")) : color } }
        : { type: "bar", x, y, name, marker: { color } }),
    layout: { barmode: panel.stacked ? "stack" : "group", ...(panel.horizontal ? { yaxis: { automargin: true, autorange: "reversed" } } : {}) },
  }),
  pie: (panel, result) => {
    const labels = column(result, panel.x);
    const colors = labels.map(levelColour);
    return {
      traces: [{
        type: "pie", labels, values: column(result, panel.y[0]), hole: 0.45, sort: false, textinfo: "label+percent",
        marker: colors.every(Boolean) ? { colors } : {},
      }],
      layout: { showlegend: false, margin: { l: 10, r: 10, t: 10, b: 10 } },
    };
  },
  scatter: (panel, result) => ({
    traces: xyTraces(panel, result, (x, y, name, color) => ({
      type: "scatter", mode: "markers", x, y, name, marker: { color, size: 8, opacity: 0.8 },
      text: panel.label ? column(result, panel.label) : undefined,
    })),
  }),
  histogram: (panel, result) => ({ traces: [{ type: "histogram", x: column(result, panel.x), nbinsx: panel.bins ?? 30 }] }),
  heatmap: (panel, result) => ({
    traces: [{
      type: "heatmap", colorbar: panel.unit === "percent" ? { tickformat: ".0%" } : {}, hoverongaps: false, x: column(result, panel.x), y: column(result, panel.by), z: column(result, panel.y[0]), colorscale: "Viridis",
    }],
    layout: { showlegend: false, yaxis: { automargin: true, type: "category", autorange: "reversed" } },
  }),
  sankey: (panel, result) => {
    const [from, to, value] = [column(result, panel.x), column(result, panel.by), column(result, panel.y[0])];
    const labels = [...new Set([...from, ...to])];
    const place = new Map(labels.map((label, index) => [label, index]));
    return {
      traces: [{
        type: "sankey", node: { label: labels.map((label) => String(label).replace(/^\d+[.:] */, "")), pad: 14, thickness: 14, color: variable("--accent"), line: { width: 0 } },
        textfont: { color: variable("--text") },
        link: { color: variable("--flow"), source: from.map((each) => place.get(each)), target: to.map((each) => place.get(each)), value },
      }],
      layout: { showlegend: false, margin: { l: 10, r: 10, t: 10, b: 10 } },
    };
  },
  pyramid: (panel, result) => {
    const traces = [...groups(result, panel.by)].slice(0, 2).map(([value, indexes], side) => {
      const y = pick(column(result, panel.x), indexes);
      const x = pick(column(result, panel.y[0]), indexes);
      return {
        type: "bar", orientation: "h", name: String(value), y, x: side === 0 ? x.map((each) => -each) : x, customdata: x,
        hovertemplate: "%{y}: %{customdata}<extra></extra>",
      };
    });
    const order = [...new Set(column(result, panel.x))];
    return {
      traces,
      layout: {
        barmode: "relative", bargap: 0.1, showlegend: true, xaxis: { automargin: true, ...ticks(Math.max(...column(result, panel.y[0]))) },
        yaxis: { automargin: true, type: "category", categoryorder: "array", categoryarray: order },
      },
    };
  },
  funnel: (panel, result) => {
    // A funnel plot of rates: each point a unit, the lines its control limits by denominator.
    const n = column(result, panel.x);
    const order = n.map((_, index) => index).sort((left, right) => n[left] - n[right]);
    const sorted = (name) => pick(column(result, name), order);
    const limit = (name, dash) => ({
      type: "scatter", mode: "lines", x: pick(n, order), y: sorted(name), line: { dash, width: 1, color: variable("--muted") },
      name: /^(low|high)_/.test(name) ? `limits ${name.replace(/^(low|high)_/, "").replace("_", ".")} %` : heading(name), showlegend: !name.startsWith("low_"),
    });
    // The outermost limits come last: what lies beyond them is no chance.
    const rates = column(result, panel.y[0]);
    const [low, high] = panel.y.length > 2 ? panel.y.slice(-2).map((name) => column(result, name)) : [[], []];
    const inside = n.map((_, index) => !(rates[index] < low[index] || rates[index] > high[index]));
    const points = (wanted, name, color) => {
      const indexes = n.map((_, index) => index).filter((index) => inside[index] === wanted);
      return {
        type: "scatter", mode: "markers", x: pick(n, indexes), y: pick(rates, indexes), name, marker: { size: wanted ? 8 : 11, symbol: wanted ? "circle" : "diamond", color },
        text: panel.label ? pick(column(result, panel.label), indexes) : undefined,
      };
    };
    return {
      traces: [
        points(true, "within the limits", series()[0]), points(false, "beyond the outer limits", variable("--high")),
        ...(panel.y.slice(1).map((name, index) => limit(name, ["solid", "dot", "dot", "dash", "dash"][index] ?? "dot"))),
      ],
      layout: { showlegend: true, xaxis: { title: { text: heading(panel.x), font: { size: 12 } }, rangemode: "tozero" } },
    };
  },
  waterfall: (panel, result) => ({
    traces: [{
      type: "waterfall", orientation: "h", y: column(result, panel.x), x: column(result, panel.y[0]),
      measure: panel.measure ? column(result, panel.measure) : undefined, connector: { line: { color: variable("--line") } },
      increasing: { marker: { color: variable("--high") } }, decreasing: { marker: { color: variable("--low") } },
      totals: { marker: { color: variable("--accent") } },
    }],
    layout: { showlegend: false, yaxis: { autorange: "reversed", automargin: true } },
  }),
};

/** The kinds of drawing that a page may ask for. */
export const chartKinds = Object.keys(drawings);

/** What a part of a chart is called: its label, or its place along the first axis. */
const nameOf = (panel, point) => (panel.label ? point.text : panel.horizontal ? point.y : point.x);

/** Draws into a node, or redraws what is there. `choose(name)` is called with what is clicked. */
export function draw(node, panel, result, choose) {
  if (!result.rows.length) return void replaceChart(node, emptyNote(panel.empty ?? "No data yet."));
  const { traces, layout: extra } = drawings[panel.chart](panel, result);
  if (!node.classList.contains("js-plotly-plot")) node.replaceChildren();
  const merged = layout(panel);
  // Many names beside a chart hide less of it than above; on a narrow screen there is no place for them.
  if (traces.length > 8) {
    merged.legend = { orientation: "v", x: 1.02, y: 1, font: { size: 11 } };
    merged.showlegend = node.clientWidth > 500;
  }
  if (panel.unit === "percent") {
    merged.yaxis.title.text = "";
    merged[panel.horizontal ? "xaxis" : "yaxis"].tickformat = ".0%";
  }
  for (const [key, value] of Object.entries(extra ?? {})) {
    merged[key] = value && typeof value === "object" && !Array.isArray(value) ? { ...merged[key], ...value } : value;
  }
  const isNew = !node.classList.contains("js-plotly-plot");
  globalThis.Plotly.react(node, traces, merged, {
    responsive: true, displaylogo: false, staticPlot: false, displayModeBar: "hover",
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"], ...(calm.matches ? { transition: { duration: 0 } } : {}),
  });
  if (choose && isNew) {
    node.on("plotly_click", (event) => {
      const name = nameOf(panel, event.points[0]);
      if (name !== undefined) choose(String(name));
    });
  }
}

function replaceChart(node, child) {
  if (node.classList.contains("js-plotly-plot")) globalThis.Plotly.purge(node);
  node.replaceChildren(child);
}

/** Frees the charts below a node before it is thrown away. */
export function release(node) {
  for (const each of node.querySelectorAll(".js-plotly-plot")) globalThis.Plotly?.purge(each);
}

const isNumber = (type) => /INT|DOUBLE|FLOAT|DECIMAL|REAL|LONG|SHORT|BYTE/i.test(type ?? "");
const isInstant = (type) => /TIMESTAMP/i.test(type ?? "");

/** A value of a query's answer as text. */
export function cellText(value, type, missing = "NULL") {
  if (value === null || value === undefined) return missing;
  if (isInstant(type)) return Number.isNaN(instant(value)) ? String(value) : moment(value);
  if (typeof value === "number") return Number.isInteger(value) ? (isNumber(type) ? count(value) : String(value)) : number(value, Math.abs(value) < 10 ? 3 : 1);
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** A table that can be sorted by any column. `link(row, columnName)` may give an address for a cell. */
export function table(result, { caption, link, levelsIn = [], missing = "NULL" } = {}) {
  let sorted = { index: -1, down: false };
  const body = element("tbody");
  const names = result.columns.map((each) => each.name);
  const cell = (row, index) => {
    const { name, type } = result.columns[index];
    const value = row[index];
    const whole = cellText(value, type, missing);
    const address = link?.(row, name, names);
    const text = address ? short(whole) : whole;
    const level = levelsIn.includes(name) ? String(value ?? "").toLowerCase() : null;
    const content = address ? element("a", { href: address, title: whole }, text) : level ? element("span", { class: "badge", dataset: { level } }, text) : text;
    return element("td", { class: [isNumber(type) ? "number" : "", value === null ? "null" : "", text.length > 40 ? "text" : ""].join(" ").trim() }, content);
  };
  const render = () => {
    const rows = [...result.rows];
    if (sorted.index >= 0) {
      rows.sort((left, right) => {
        const [a, b] = [left[sorted.index], right[sorted.index]];
        if (a === null || b === null) return (a === null) - (b === null);
        return (a < b ? -1 : a > b ? 1 : 0) * (sorted.down ? -1 : 1);
      });
    }
    body.replaceChildren(...rows.map((row) => element("tr", {}, row.map((_, index) => cell(row, index)))));
  };
  const heads = result.columns.map(({ name, type }, index) => {
    const head = element("th", { scope: "col", class: isNumber(type) ? "number" : null });
    head.append(
      element("button", {
        type: "button", title: type,
        onclick: () => {
          sorted = { index, down: sorted.index === index ? !sorted.down : false };
          heads.forEach((each) => each.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
          render();
        },
      }, heading(name)));
    return head;
  });
  render();
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption ?? "table" },
    element("table", { class: "data" }, element("caption", { class: "hidden-text" }, caption ?? "Result"), element("thead", {}, element("tr", {}, heads)), body));
}
