import { compose, type Dialer, tcp } from "../../src/index.ts";

/** Keeps the event loop from running for `ms` milliseconds, as a long calculation does. */
export function blockLoop(ms: number): void {
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt);
}

/** Dials TCP, and blocks the event loop for `ms` milliseconds as soon as its first dial has begun. */
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
