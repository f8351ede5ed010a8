import { BackgroundTimer } from "../async/background-timer.ts";
import { createBackoff } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import { guarded } from "../support/user-call.ts";

/** Backoff between background dials after a failure: full jitter up to 1 s, doubling to 30 s. */
const backoffOptions = { initialBackoffMs: 1_000, maxBackoffMs: 30_000, jitter: "full" } as const;

/** Delays the background dials for `minIdle` after failures. */
export class MinIdleBackoff {
  readonly #clock: Clock;
  readonly #backoff: (attempt: number, error: unknown) => number;
  readonly #onReady: () => void;
  #failures = 0;
  #timer: BackgroundTimer | undefined;

  /** @param onReady - called when the next background dial may start. */
  constructor(clock: Clock, random: () => number, onReady: () => void) {
    this.#clock = clock;
    this.#backoff = createBackoff({ ...backoffOptions, random }, "pool: ")();
    this.#onReady = onReady;
  }

  /** Whether background dials must wait. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Starts a delay, unless one is running. The timer does not keep the process alive. */
  failed(error: unknown): void {
    if (this.#timer !== undefined) return;
    this.#failures += 1;
    // A background dial has no caller to reject: a `random` that throws emits a warning, and the delay is the maximum.
    const delayMs = guarded("pool: random", () => this.#backoff(this.#failures, error)) ?? backoffOptions.maxBackoffMs;
    const onTime = () => {
      this.#timer = undefined;
      this.#onReady();
    };
    this.#timer = new BackgroundTimer(this.#clock, onTime, delayMs);
  }

  stop(): void {
    this.#timer?.clear();
    this.#timer = undefined;
  }
}
