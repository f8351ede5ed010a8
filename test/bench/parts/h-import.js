// @ts-check
import { measureImports } from "../imports.js";
import { milliseconds, printRatios } from "../report.js";

export const title = "Importing the package, each time in a new process";

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, heading }) {
  heading();
  printRatios(measureImports(quick ? 5 : 21), milliseconds(1), { of: "import", atMost: 0.5 });
}
