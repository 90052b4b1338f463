// Numbers, times and names as a person reads them.

const numbers = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

export const number = (value, digits) =>
  value === null || value === undefined || Number.isNaN(Number(value))
    ? "–"
    : digits === undefined
      ? numbers.format(value)
      : Number(value).toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const count = (value) => (value === null || value === undefined ? "–" : whole.format(value));

export const percent = (value, digits = 0) => (value === null || value === undefined ? "–" : `${(value * 100).toFixed(digits)} %`);

export const bytes = (value) => {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let scaled = Number(value);
  let unit = 0;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${scaled < 10 && unit > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit]}`;
};

/** Milliseconds since 1970 of an instant: ISO 8601 text, with a blank or a T in the middle. */
export function instant(value) {
  if (value === null || value === undefined) return NaN;
  if (typeof value === "number") return value;
  let text = String(value).trim().replace(" ", "T");
  if (/[+-]\d\d$/.test(text)) text += ":00";
  if (!/(Z|[+-]\d\d:\d\d)$/.test(text) && text.includes("T")) text += "Z";
  return Date.parse(text);
}

export const time = (value) => {
  const at = instant(value);
  return Number.isNaN(at) ? "–" : new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
};

/** Short enough for a cell: the time alone for today, the date before it for other days. */
export const moment = (value, now = new Date()) => {
  const at = new Date(instant(value));
  const clock = at.toLocaleTimeString(undefined, { timeStyle: "medium" });
  return at.toDateString() === now.toDateString() ? clock : `${at.toLocaleDateString(undefined, { dateStyle: "medium" })} ${clock}`;
};

export const ago = (value, now = Date.now()) => {
  const at = instant(value);
  if (Number.isNaN(at)) return "never";
  const seconds = Math.round((now - at) / 1000);
  if (seconds < -5) return "in the future";
  if (seconds < 5) return "now";
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
};

/** Enough of an identifier to tell two patients of a ward apart; the whole stands in the title. */
export const short = (identifier) => {
  const text = String(identifier ?? "");
  return text.length > 13 ? text.slice(0, 8) : text;
};

const units = { "mm[Hg]": "mmHg", "u[IU]/mL": "µIU/mL", "kg/m2": "kg/m²", a: "years", Cel: "°C", "[degF]": "°F", "10*3/uL": "10³/µL" };

/** A unit of UCUM as a person writes it. */
export const unit = (code) => units[code] ?? code;

/** A column's name as a heading: news2_total is "NEWS2 total". */
export const heading = (column) =>
  String(column)
    .replaceAll("_", " ")
    .replace(/\bnews2\b/gi, "NEWS2")
    .replace(/\bqsofa\b/gi, "qSOFA")
    .replace(/\bspo2\b/gi, "SpO₂")
    .replace(/\bbmi\b/gi, "BMI")
    .replace(/\b(roc|pr) auc\b/gi, (words) => words.toUpperCase())
    .replace(/\balt\b/gi, "ALT")
    .replace(/\bage (\d+) (\d+)\b/gi, "age $1–$2")
    .replace(/\bid\b/gi, "ID")
    .replace(/^./, (letter) => letter.toUpperCase());
