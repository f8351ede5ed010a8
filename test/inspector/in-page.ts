/** Code that tests run inside the page, as text, because it needs the types of a browser. */

/** Returns the text of a waterfall's rows, and the start and end of their bars as shares of `whole`. */
export const waterfallRows = (
  whole: number,
) => `[...document.querySelectorAll(".waterfall > li:not(.axis)")].map((row) => {
  const text = (selector) => row.querySelector(selector).textContent;
  const track = row.querySelector(".track").getBoundingClientRect();
  const bar = row.querySelector(".bar").getBoundingClientRect();
  const share = (x) => Math.round(((x - track.left) / track.width) * ${whole});
  return [text(".what"), text(".took"), text(".end"), share(bar.left), share(bar.right)];
})`;

/** Start and end of each track in pixels. */
export const trackEdges = `[...document.querySelectorAll(".track")].map((track) => {
  const { left, right } = track.getBoundingClientRect();
  return Math.round(left) + "–" + Math.round(right);
})`;

/** The animation of phases in progress. */
export const animation = `getComputedStyle(document.querySelector(".bar.running")).animationName`;

/** The focused element, and whether its focus is visible. */
export const focus = `(() => {
  const element = document.activeElement;
  const outlined = element.matches("fieldset input") ? element.closest("label") : element;
  const name = element.id || element.className || element.tagName;
  return { name, visible: element === document.body || getComputedStyle(outlined).outlineStyle !== "none" };
})()`;

/** The target of the focused dial. */
export const focusedTarget = `document.activeElement.querySelector(".target")?.textContent`;

/** Contrast ratios (WCAG 2) of every text to its background, and of every bar to its panel. */
export const contrasts = `(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratioOf = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    if (element === null) return [255, 255, 255];
    const color = parse(getComputedStyle(element).backgroundColor);
    return color.length === 4 && color[3] === 0 ? behind(element.parentElement) : color;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const isSeen = node.textContent.trim() !== "" && !element.closest("script, style, noscript, .hidden");
    if (!isSeen || !element.checkVisibility()) continue;
    const ratio = ratioOf(parse(getComputedStyle(element).color), behind(element));
    texts.push({ what: node.textContent + " (" + element.className + ")", ratio });
  }
  const probe = document.body.appendChild(document.createElement("i"));
  const panel = behind(document.querySelector("#dial-list"));
  const bars = [...document.querySelectorAll(".bar:not(.attempt), .legend i")].map((bar) => {
    const variable = bar.matches(".legend .failure") ? "--failure" : "--phase";
    probe.style.color = getComputedStyle(bar).getPropertyValue(variable);
    return { what: bar.className, ratio: ratioOf(parse(getComputedStyle(probe).color), panel) };
  });
  probe.remove();
  return { texts, bars, ground: luminance(behind(document.body)) };
})()`;

export interface Contrasts {
  readonly texts: readonly { readonly what: string; readonly ratio: number }[];
  readonly bars: readonly { readonly what: string; readonly ratio: number }[];
  /** Luminance of the page's background. */
  readonly ground: number;
}
