import { compose, type Dialer, tcp } from "../../src/index.ts";

/** Blocks the event loop for `ms` milliseconds, like a long calculation. */
export function blockLoop(ms: number): void {
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt);
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
