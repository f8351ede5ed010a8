/** Creates elements, and formats numbers. */
export const domPart = `
/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/** Creates an element with a class and children.
 * @param {string} tag @param {string} [className] @param {...(string | Node)} children @returns {any} */
function el(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Isolates the text direction of names, so that they do not reorder the text around them.
 * @param {string} text @param {string} [className] */
const name = (text, className) => el("bdi", className, text);

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

const percent = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 });
const whole = new Intl.NumberFormat("en");
/** @param {number} n */
const count = (n) => whole.format(n);

/** @param {number} ms */
function duration(ms) {
  if (ms < 10) return ms.toFixed(1) + " ms";
  if (ms < 1000) return Math.round(ms) + " ms";
  if (ms < 60000) return (ms / 1000).toFixed(ms < 10000 ? 2 : 1) + " s";
  return age(ms);
}

/** @param {number} ms */
function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => seconds >= Number(size));
  if (first < 0) return "0 s";
  const [size, unit] = units[first];
  const text = Math.floor(seconds / Number(size)) + " " + unit;
  const [nextSize, nextUnit] = units[first + 1] ?? [];
  if (nextSize === undefined) return text;
  return text + " " + Math.floor((seconds % Number(size)) / Number(nextSize)) + " " + nextUnit;
}

/** @param {number} n */
function bytes(n) {
  if (n < 1000) return n + " B";
  const units = ["kB", "MB", "GB", "TB"];
  let value = n;
  let index = -1;
  while (value >= 999.95 && index < 3) {
    value /= 1000;
    index += 1;
  }
  return value.toFixed(1) + " " + units[index];
}

const clockTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
/** @param {number} ms */
const timeOfDay = (ms) => clockTime.format(ms);

/** The colour class of a reason: transient, timeout, or permanent.
 * @param {string} reason */
function kindOf(reason) {
  if (reason === "timeout") return "late";
  return lastingReasons.has(reason) ? "mend" : "lost";
}

/** @param {string} text @param {string} [kind] */
const pill = (text, kind) => el("span", "pill " + (kind ?? ""), text);

/** Sets an element's text if it differs.
 * @param {any} element @param {string} text */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An age that advances between two messages. @param {number} at */
function ago(at) {
  const made = el("time", "", age(serverNow() - at) + " ago");
  made.dataset.at = String(at);
  made.title = new Date(at).toISOString();
  return made;
}

/** The estimated time of the server. */
let clockOffset = 0;
const serverNow = () => Date.now() + clockOffset;
`;
