// @ts-check
import { compose, tcp } from "../../../dist/index.js";
import { inTurn } from "../loop.js";
import { accept } from "../peers.js";
import { fullStack, silentStack } from "../stack.js";

/** @type {Record<string, () => any>} */
const dialers = {
  tcp: () => tcp(),
  composed: () => compose(tcp()),
  silent: () => silentStack(tcp()),
  full: () => fullStack(tcp()),
  plain: () => fullStack(tcp({ noDelay: false, keepAlive: false })),
};

/** Dials with `tcp()`, alone or composed. @param {{ variant: string }} settings */
export async function prepare({ variant }) {
  const dial = dialers[variant]?.();
  const { port } = await accept();
  const target = `127.0.0.1:${port}`;
  return (/** @type {number} */ n) => inTurn(n, () => dial(target));
}
