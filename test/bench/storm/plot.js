// @ts-check

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} color
 * @property {boolean} [dashed]
 * @property {boolean} [thin] - for lines that would cover the others.
 * @property {readonly (readonly [x: number, y: number])[]} points - sorted by x.
 *
 * @typedef {object} Panel
 * @property {string} yTitle
 * @property {number} height
 * @property {"linear" | "log"} scale - on a log scale, values below the range are drawn at its lower end.
 * @property {readonly [low: number, high: number]} yRange
 * @property {readonly number[]} yTicks
 * @property {readonly Line[]} lines
 *
 * @typedef {object} Picture
 * @property {string} title
 * @property {string} subtitle
 * @property {string} xTitle
 * @property {readonly [low: number, high: number]} xRange
 * @property {readonly number[]} xTicks
 * @property {readonly Panel[]} panels - one below the other, on the same x axis.
 */

const width = 1000;
const margin = { left: 84, right: 232, top: 62, bottom: 46, between: 34 };
const ink = { text: "#1f2328", faint: "#59636e", grid: "#e4e8ec", axis: "#8c959f" };

/** Draws panels of lines over a shared x axis, as SVG. The output is deterministic. @param {Picture} picture */
export function draw(picture) {
  const inner = width - margin.left - margin.right;
  const [from, to] = picture.xRange;
  const x = (/** @type {number} */ value) => margin.left + (inner * (value - from)) / (to - from);
  let top = margin.top;
  const parts = [];
  for (const panel of picture.panels) {
    parts.push(drawPanel(panel, { x, top, inner, xTicks: picture.xTicks, xRange: picture.xRange }));
    top += panel.height + margin.between;
  }
  const bottom = top - margin.between;
  for (const tick of picture.xTicks) parts.push(text(x(tick), bottom + 18, String(tick), { anchor: "middle" }));
  parts.push(text(margin.left + inner / 2, bottom + 38, picture.xTitle, { anchor: "middle", fill: ink.text }));
  parts.push(legend(picture.panels.flatMap(({ lines }) => lines)));
  const height = bottom + margin.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif" font-size="12">`,
    `<title>${escaped(picture.title)}</title>`,
    `<desc>${escaped(picture.subtitle)}</desc>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(margin.left, 24, picture.title, { fill: ink.text, size: 16, weight: 600 }),
    text(margin.left, 43, picture.subtitle),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/**
 * @param {Panel} panel
 * @param {{ x: (value: number) => number, top: number, inner: number, xTicks: readonly number[], xRange: readonly [number, number] }} place
 */
function drawPanel({ yTitle, height, scale, yRange, yTicks, lines }, { x, top, inner, xTicks, xRange }) {
  const [low, high] = yRange.map((value) => scaled(scale, value));
  const y = (/** @type {number} */ value) => {
    const share = (scaled(scale, Math.max(value, yRange[0])) - Number(low)) / (Number(high) - Number(low));
    return top + height * (1 - share);
  };
  const bottom = top + height;
  const right = margin.left + inner;
  const middle = top + height / 2;
  return [
    ...yTicks.map((tick) => rule(margin.left, y(tick), right, y(tick), ink.grid)),
    ...xTicks.map((tick) => rule(x(tick), top, x(tick), bottom, ink.grid)),
    ...yTicks.map((tick) => text(margin.left - 8, y(tick) + 4, short(tick), { anchor: "end" })),
    rule(margin.left, bottom, right, bottom, ink.axis),
    rule(margin.left, top, margin.left, bottom, ink.axis),
    `<text transform="translate(22 ${round(middle)}) rotate(-90)" text-anchor="middle" fill="${ink.text}">${escaped(yTitle)}</text>`,
    ...lines.map((line) => path(line, x, y, xRange)),
  ].join("\n");
}

/** @param {Line} line @param {(value: number) => number} x @param {(value: number) => number} y @param {readonly [number, number]} xRange */
function path({ points, color, dashed, thin }, x, y, [from, to]) {
  const shown = points.filter(([at]) => at >= from && at <= to);
  const d = shown.map(([at, value], index) => `${index === 0 ? "M" : "L"}${round(x(at))} ${round(y(value))}`).join("");
  return `<path d="${d}" fill="none" stroke="${color}" stroke-width="${thin ? 1 : 1.8}" stroke-opacity="${thin ? 0.75 : 1}" stroke-linejoin="round"${dashes(dashed)}/>`;
}

/** Draws the legend, with each name once. @param {readonly Line[]} lines */
function legend(lines) {
  const left = width - margin.right + 16;
  const each = [...new Map(lines.map((line) => [line.name, line])).values()];
  return each
    .map(({ name, color, dashed }, index) => {
      const y = margin.top + 10 + index * 22;
      const stroke = `<path d="M${left} ${y}h22" stroke="${color}" stroke-width="2.4"${dashes(dashed)}/>`;
      return `${stroke}\n${text(left + 29, y + 4, name, { fill: ink.text })}`;
    })
    .join("\n");
}

/** @param {boolean | undefined} dashed */
const dashes = (dashed) => (dashed ? ' stroke-dasharray="5 4"' : "");

/** @param {Panel["scale"]} scale @param {number} value */
const scaled = (scale, value) => (scale === "log" ? Math.log10(value) : value);

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} color */
function rule(x1, y1, x2, y2, color) {
  return `<path d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}" stroke="${color}"/>`;
}

/**
 * @param {number} x @param {number} y @param {string} content
 * @param {{ anchor?: "start" | "middle" | "end", fill?: string, size?: number, weight?: number }} [style]
 */
function text(x, y, content, { anchor = "start", fill = ink.faint, size = 12, weight = 400 } = {}) {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${fill}" font-size="${size}" font-weight="${weight}">${escaped(content)}</text>`;
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/** Formats 1000 as 1 k. @param {number} value */
function short(value) {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(value);
}

/** @param {string} content */
function escaped(content) {
  return content.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
