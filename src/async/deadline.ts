import { handleRejection } from "../support/returned.ts";
import { abortable } from "./abortable.ts";
import { Cancel } from "./cancel.ts";
import { clearTimer } from "./checked-clock.ts";
import type { Clock } from "./clock.ts";

/** Milliseconds after which a timer counts as late; Node's are no finer than 1 ms. */
const lateAfterMs = 2;

/**
 * Turns of the event loop that a late timer waits for. What had happened by then takes up to this many to be told:
 * the answer about a name, the failure of its IPv6 address, that of its IPv4 address.
 */
const turns = 4;

/**
 * A timer that bounds work, for everything that gives up by time. Node's event loop runs timers before it looks at
 * sockets, so after the loop was blocked a plain timer would fire although the work had ended in time. A late one
 * lets the loop look at the sockets first: what has happened is told, a success as well as a failure.
 *
 * @see https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #dueAt: number;
  readonly #onPassed: (lateByMs: number) => void;
  readonly #timer: unknown;
  #turn: NodeJS.Immediate | undefined;
  #turns = 0;
  #lateByMs = 0;

  /**
   * @param ms - milliseconds, 0 to 2^31-1.
   * @param onPassed - called at most once, unless {@link clear} is called before. It is given by how many
   * milliseconds the event loop was late, 0 when it was not.
   */
  constructor(clock: Clock, ms: number, onPassed: (lateByMs: number) => void) {
    this.#clock = clock;
    this.#dueAt = clock.now() + ms;
    this.#onPassed = onPassed;
    this.#timer = clock.setTimeout(() => this.#fire(), ms);
    handleRejection(this.#timer);
  }

  /** Whether the time is up, and the sockets are being looked at before that is said. */
  get isLate(): boolean {
    return this.#turn !== undefined;
  }

  /** By how many milliseconds the timer has fired too late; 0 when it was on time, or has not fired. */
  get lateByMs(): number {
    return this.#lateByMs;
  }

  /** Ends it: the work is done, or no longer wanted. */
  clear(): void {
    clearTimer(this.#clock, this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  #fire(): void {
    const lateByMs = this.#clock.now() - this.#dueAt;
    if (lateByMs <= lateAfterMs) {
      this.#onPassed(0);
      return;
    }
    this.#lateByMs = Math.round(lateByMs);
    this.#wait();
  }

  #wait(): void {
    this.#turn = setImmediate(() => {
      this.#turns += 1;
      if (this.#turns < turns) {
        this.#wait();
        return;
      }
      this.#turn = undefined;
      this.#onPassed(this.#lateByMs);
    });
  }
}

interface Destroyable {
  destroy(): unknown;
}

/** How {@link withDeadline} bounds its work. */
export interface DeadlineSettings {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** What cancels the work besides. */
  readonly cancel: Cancel | undefined;
  /** Called when the time is up; returns what the work is aborted with. */
  readonly onPassed: (lateByMs: number) => unknown;
}

/**
 * Runs `work` under a deadline: when the time is up, or `cancel` aborts, the work is aborted, and what it brings later
 * is destroyed. Leaves no timer and no listener.
 *
 * @param work - is given what cancels it; must return a promise, never throw.
 */
export function withDeadline<T extends Destroyable>(
  { clock, timeoutMs, cancel: outer, onPassed }: DeadlineSettings,
  work: (cancel: Cancel) => Promise<T>,
): Promise<T> {
  if (outer?.aborted) return Promise.reject(outer.reason);
  const cancel = new Cancel();
  const forward = () => cancel.abort(outer?.reason);
  outer?.onAbort(forward);
  const deadline = new Deadline(clock, timeoutMs, (lateByMs) => cancel.abort(onPassed(lateByMs)));
  const release = () => {
    deadline.clear();
    outer?.offAbort(forward);
  };
  return abortable(() => work(cancel), cancel, release);
}
