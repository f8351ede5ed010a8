// @ts-check
import { Registry } from "prom-client";
import { compose, withRetry, withTimeout } from "../../../dist/index.js";
import { withTracing } from "../../../dist/otel.js";
import { withPrometheus } from "../../../dist/prometheus.js";
import { inTurn } from "../loop.js";
import { fullStack, silentStack } from "../stack.js";
import { stubDialer, target } from "../stub.js";

/** @type {Record<string, () => any>} */
const dialers = {
  "the bare stub": () => stubDialer,
  "compose(stub)": () => compose(stubDialer),
  withTimeout: () => compose(withTimeout({ timeoutMs: 2_000 }), stubDialer),
  withRetry: () => compose(withRetry(), stubDialer),
  withTracing: () => compose(withTracing(), stubDialer),
  withPrometheus: () => compose(withPrometheus({ registry: new Registry() }), stubDialer),
  "timeout, retry, timeout": () => silentStack(stubDialer),
  "the full stack": () => fullStack(stubDialer),
};

export const layers = Object.keys(dialers);

/** One layer alone over the stub. @param {{ variant: string }} settings */
export function prepare({ variant }) {
  const dial = dialers[variant]?.();
  return (/** @type {number} */ n) => inTurn(n, () => dial(target));
}
