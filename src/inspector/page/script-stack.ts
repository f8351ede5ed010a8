/** Draws the layers of a dialer, folded. */
export const stackPart = `
/** Returns the layers of a dialer in a section that stays open and focused when its card is drawn again.
 * @param {any} dialer @param {any} card @returns {any[]} */
function layersOf(dialer, card) {
  if (dialer.stacks.length === 0) return [];
  card.layers ??= foldedLayers(dialer.name);
  card.style.minWidth = "0";
  const [button, text] = card.layers.children;
  const warnings = dialer.stacks.reduce((sum, stack) => sum + stack.warnings.length, 0);
  say(button, warnings === 0 ? "Layers" : "Layers, " + count(warnings) + (warnings === 1 ? " warning" : " warnings"));
  say(text, dialer.stacks.map((stack) => stack.text).join("\\n\\n"));
  const focused = /** @type {any} */ (document.activeElement);
  if (card.layers.contains(focused)) queueMicrotask(() => focused.focus());
  return [card.layers];
}

/** @param {string} dialer */
function foldedLayers(dialer) {
  const button = el("button", "layers");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  const text = el("pre", "mono");
  text.hidden = true;
  text.tabIndex = 0;
  text.style.overflowX = "auto";
  text.setAttribute("role", "region");
  text.setAttribute("aria-label", "Layers of " + dialer);
  button.addEventListener("click", () => {
    text.hidden = !text.hidden;
    button.setAttribute("aria-expanded", String(!text.hidden));
  });
  return el("div", "", button, text);
}
`;
