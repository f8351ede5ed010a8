import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Collects garbage and waits for finalizers, which run in a later turn. */
export function collectGarbage(): void {
  gc();
}
