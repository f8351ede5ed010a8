import type { Picker } from "../picker.ts";

/** The first in the list: the others stand by. */
export const inOrder: Picker = ({ endpoints }, tried) =>
  tried === undefined ? endpoints[0] : endpoints.find(({ key }) => !tried.has(key));
