// Builds elements without ever parsing HTML: text stays text, whatever a table holds.

/** element("button", {class: "primary", onclick: f}, "Save") */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (value === true) node.setAttribute(key, "");
    else node.setAttribute(key, value);
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces what a node holds. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** A small line of numbers; gaps where a value is null. */
export function sparkline(values, label) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", "0 0 100 20");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length < 2) return svg;
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  let run = [];
  const draw = () => {
    if (run.length > 1) {
      const line = document.createElementNS(svgNamespace, "polyline");
      line.setAttribute("points", run.join(" "));
      svg.append(line);
    }
    run = [];
  };
  values.forEach((value, index) => {
    if (value === null || value === undefined) return draw();
    run.push(`${((index / (values.length - 1)) * 100).toFixed(2)},${(18 - ((value - low) / span) * 16).toFixed(2)}`);
  });
  draw();
  return svg;
}

export const badge = (level, text) =>
  element("span", { class: "badge", dataset: { level: String(level ?? "unknown").toLowerCase() } }, text ?? level ?? "unknown");

/** What stands where data will be: why there is none, and what to do. */
export const emptyNote = (...words) => element("p", { class: "empty" }, ...words);

/** An error of the API in words; field by field where it names fields. */
export function problemNote(error) {
  return element(
    "div",
    { class: "problem", role: "alert" },
    element("strong", {}, error.title ?? "This could not be done"),
    error.detail ? element("p", {}, error.detail) : null,
    error.errors?.length
      ? element("ul", {}, error.errors.map((each) => element("li", {}, `${each.field ?? each.pointer ?? ""}: ${each.detail ?? each.message ?? ""}`)))
      : null,
  );
}
