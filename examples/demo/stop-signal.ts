import type { Screen } from "./screen.ts";

/** The reason that a normal end aborts with. */
export class Stopped extends Error {
  override readonly name = "AbortError";
}

/**
 * One Ctrl-C may arrive as two signals, one from the terminal and one from npm. Signals within this time count as one.
 */
const sameCtrlCMs = 400;

/** Exit codes as shells set them: 128 plus the number of the signal. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Aborts `stop` on SIGHUP, SIGINT or SIGTERM, or after `seconds`. A second signal ends the process at once. */
export function stopOnSignals(stop: AbortController, seconds: number | undefined, screen: Screen): void {
  let stoppedAt = 0;
  const end = (why: string) => {
    if (stop.signal.aborted) return;
    stoppedAt = performance.now();
    screen.say("demo", why);
    stop.abort(new Stopped(why));
    // Keeps the process alive until then: without its listeners, the second signal of a Ctrl-C would kill it.
    setTimeout(() => {}, sameCtrlCMs);
  };
  for (const [signal, exitCode] of Object.entries(exitCodes)) {
    process.on(signal, () => {
      if (stop.signal.aborted && performance.now() - stoppedAt > sameCtrlCMs) process.exit(exitCode);
      end(signal === "SIGINT" ? "Ctrl-C: cancel, drain and exit" : `${signal}: cancel, drain and exit`);
    });
  }
  if (seconds !== undefined) setTimeout(end, seconds * 1000, `${seconds} s have passed: drain and exit`).unref();
}
