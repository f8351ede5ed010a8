import { reasonTable } from "../../core/reasons.ts";
import { bucketCount, bucketMs } from "../rates.ts";
import { dialersPart } from "./script-dialers.ts";
import { domPart } from "./script-dom.ts";
import { listsPart } from "./script-lists.ts";
import { livePart } from "./script-live.ts";
import { poolsPart } from "./script-pools.ts";
import { stackPart } from "./script-stack.ts";
import { waterfallPart } from "./script-waterfall.ts";

const mendedByPeople = Object.entries(reasonTable)
  .filter(([, { retry }]) => retry !== "yes")
  .map(([reason]) => reason);

const constants = `
const lastingReasons = new Set(${JSON.stringify(mendedByPeople)});
const minutesShown = ${(bucketCount * bucketMs) / 60_000};
`;

/** The page's script. It never parses text as markup. */
export const script = `"use strict";
(() => {
${constants}${domPart}${waterfallPart}${stackPart}${dialersPart}${listsPart}${poolsPart}${livePart}})();
`;
