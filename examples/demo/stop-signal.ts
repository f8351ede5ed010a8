import type { Screen } from "./screen.ts";

/** What the demo is stopped with when nothing went wrong. */
export class Stopped extends Error {
  override readonly name = "AbortError";
}

/**
 * One Ctrl-C may arrive twice: from the terminal, and passed on by npm. Only what comes later than
 * this is a second one.
 */
const sameCtrlCMs = 400;

/** Exit codes by the shells' custom: 128 and the signal's number. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Aborts `stop` on Ctrl-C and its kin, or after `seconds`. A second Ctrl-C ends the process at once.
 */
export function stopOnSignals(stop: AbortController, seconds: number | undefined, screen: Screen): void {
  let stoppedAt = 0;
  const end = (why: string) => {
    if (stop.signal.aborted) return;
    stoppedAt = performance.now();
    screen.say("demo", why);
    stop.abort(new Stopped(why));
    // Stays until then, however soon all is drained: the other half of a Ctrl-C would kill a process that is leaving.
    setTimeout(() => {}, sameCtrlCMs);
  };
  for (const [signal, exitCode] of Object.entries(exitCodes)) {
    process.on(signal, () => {
      if (stop.signal.aborted && performance.now() - stoppedAt > sameCtrlCMs) process.exit(exitCode);
      end(signal === "SIGINT" ? "Ctrl-C: cancels, drains and ends" : `${signal}: cancels, drains and ends`);
    });
  }
  if (seconds !== undefined) setTimeout(end, seconds * 1000, `${seconds} s are over: drains and ends`).unref();
}
