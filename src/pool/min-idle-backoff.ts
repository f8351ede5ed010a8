import { createBackoff } from "../async/backoff.ts";
import { clearTimer } from "../async/checked-clock.ts";
import type { Clock } from "../async/clock.ts";
import { handleRejection } from "../support/returned.ts";
import { guarded } from "../support/user-call.ts";

/** Waits before the next background dial after one that failed: full jitter up to 1 s, doubling to 30 s. */
const waits = { initialBackoffMs: 1_000, maxBackoffMs: 30_000, jitter: "full" } as const;

/** Says when connections may be dialed for nobody: at once, and after failures ever more seldom. */
export class MinIdleBackoff {
  readonly #clock: Clock;
  readonly #backoff: (attempt: number, error: unknown) => number;
  #failures = 0;
  #timer: unknown;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#backoff = createBackoff({ ...waits, random }, "pool: ")();
  }

  /** Whether none may be dialed now. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Calls `again` when another may be dialed. The wait doesn't keep the process alive. */
  failed(error: unknown, again: () => void): void {
    if (this.#timer !== undefined) return;
    this.#failures += 1;
    // A background dial has no caller to reject.
    const waitMs = guarded("pool: random", () => this.#backoff(this.#failures, error)) ?? waits.maxBackoffMs;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      again();
    }, waitMs);
    (this.#timer as { unref?(): void } | undefined)?.unref?.();
    handleRejection(this.#timer);
  }

  stop(): void {
    if (this.#timer !== undefined) clearTimer(this.#clock, this.#timer);
    this.#timer = undefined;
  }
}
