import { compose, type Dialer, tcp } from "../../src/index.ts";

/** Blocks the event loop for `ms` milliseconds, like a long calculation, but leaves the processor to other tests. */
export function blockLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Dials TCP and blocks the event loop for `ms` milliseconds when the first dial has started. */
export function blockingDialer(ms: number): Dialer {
  const dial = compose(tcp());
  let blocked = false;
  return compose((target, options) => {
    const dialing = dial(target, options);
    if (!blocked) process.nextTick(blockLoop, ms);
    blocked = true;
    return dialing;
  });
}
