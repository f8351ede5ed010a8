import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Frees all that nobody holds; what finalizers are to do comes in a later turn. */
export function collectGarbage(): void {
  gc();
}
