import type { Picker } from "../picker.ts";

/** Picks the first target in the list; the others are standbys. */
export const inOrder: Picker = ({ endpoints }, tried) =>
  tried === undefined ? endpoints[0] : endpoints.find(({ key }) => !tried.has(key));
