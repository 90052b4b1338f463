// A console over the lake: tables, a query, its rows as a grid or a chart, and the rows as CSV.

import { get, post, send } from "./api.js";
import { chartKinds, draw, table } from "./chart.js";
import { element, emptyNote, fill, problemNote } from "./dom.js";
import { count } from "./format.js";

const draft = "lakeward-sql";

export function sqlConsole(node) {
  const text = element("textarea", { class: "sql", id: "sql", spellcheck: "false", autocapitalize: "off", "aria-label": "SQL" });
  text.value = sessionStorage.getItem(draft) ?? "SELECT *\nFROM silver_patient_vitals\nORDER BY event_time DESC\nLIMIT 50";
  const status = element("p", { class: "quiet", role: "status" });
  const grid = element("div");
  const chart = element("div", { class: "chart", hidden: true });
  const tree = element("ul", { class: "tree" });
  const kind = element("select", { "aria-label": "Kind of chart" }, ["none", "line", "bar", "area", "scatter", "pie"].map((name) => element("option", { value: name }, name)));
  const axes = { x: element("select", { "aria-label": "x" }), y: element("select", { "aria-label": "y" }) };
  const runButton = element("button", { class: "primary", type: "button", id: "run" }, "Run (Ctrl+Enter)");
  const stopButton = element("button", { type: "button", disabled: true }, "Stop");
  const download = element("button", { type: "button", disabled: true, id: "csv" }, "Download CSV");
  let last = null;
  let controller = null;

  fill(node, element("div", { class: "console" },
    element("aside", { "aria-label": "Tables" }, element("h2", {}, "Tables"), tree),
    element("div", {}, text, element("div", { class: "toolbar actions" }, runButton, stopButton, download,
      element("label", { class: "field" }, "Chart", kind), element("label", { class: "field" }, "x", axes.x), element("label", { class: "field" }, "y", axes.y)), status, chart, grid)));

  async function run() {
    sessionStorage.setItem(draft, text.value);
    controller?.abort();
    controller = new AbortController();
    runButton.disabled = true;
    stopButton.disabled = false;
    status.textContent = "Running…";
    const start = performance.now();
    try {
      last = await post("/query", { sql: text.value }, { signal: controller.signal });
      const seconds = ((performance.now() - start) / 1000).toFixed(2);
      status.textContent = `${count(last.rows.length)} rows in ${seconds} s${last.truncated ? `; cut off at ${count(last.rows.length)}: add a LIMIT or download all` : ""}`;
      fill(grid, last.rows.length ? table(last, { caption: "Result" }) : emptyNote("The query gave no rows."));
      download.disabled = false;
      for (const [name, select] of Object.entries(axes)) {
        const before = select.value;
        fill(select, last.columns.map((column, index) => element("option", { value: column.name, selected: before === column.name || (!before && index === (name === "x" ? 0 : 1)) }, column.name)));
      }
      plot();
    } catch (error) {
      status.textContent = error.name === "AbortError" ? "Stopped." : "";
      if (error.name !== "AbortError") fill(grid, problemNote(error));
    } finally {
      runButton.disabled = false;
      stopButton.disabled = true;
    }
  }

  function plot() {
    chart.hidden = kind.value === "none" || !last;
    if (!chart.hidden && chartKinds.includes(kind.value)) draw(chart, { chart: kind.value, x: axes.x.value, y: [axes.y.value] }, last);
  }

  async function csv() {
    try {
      const response = await send("/query", { method: "POST", body: { sql: text.value }, accept: "text/csv" });
      const address = URL.createObjectURL(await response.blob());
      element("a", { href: address, download: "lakeward.csv" }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    } catch (error) {
      fill(grid, problemNote(error));
    }
  }

  async function browse() {
    try {
      const { tables } = await get("/tables");
      fill(tree, tables.length ? tables.map((each) => {
        const columns = element("ul");
        return element("li", {}, element("details", {
          ontoggle: async (event) => {
            if (!event.target.open || columns.children.length) return;
            const { schema } = await get(`/tables/${encodeURIComponent(each.name)}`);
            fill(columns, (schema ?? []).map((column) => element("li", { title: column.comment ?? "" }, `${column.name} `, element("span", { class: "quiet" }, column.type))));
          },
        }, element("summary", {}, each.name), element("button", {
          type: "button", class: "plain", "aria-label": `First rows of ${each.name}`, onclick: () => {
            text.value = `SELECT *\nFROM ${/^[a-z_][a-z0-9_]*$/.test(each.name) ? each.name : `"${each.name.replaceAll('"', '""')}"`}\nLIMIT 100`;
            run();
          },
        }, "first rows"), columns));
      }) : emptyNote("No tables yet."));
    } catch (error) {
      fill(tree, problemNote(error));
    }
  }

  runButton.addEventListener("click", run);
  stopButton.addEventListener("click", () => controller?.abort());
  download.addEventListener("click", csv);
  for (const each of [kind, axes.x, axes.y]) each.addEventListener("change", plot);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  browse();
  return () => controller?.abort();
}
