import { handleRejection } from "../support/returned.ts";
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
  /** When the timer is due, by the clock. */
  readonly dueAt: number;
  readonly #onPassed: (lateByMs: number) => void;
  readonly #timer: unknown;
  #turn: NodeJS.Immediate | undefined = undefined;
  #turns = 0;
  #lateByMs = 0;

  /**
   * @param ms - milliseconds, 0 to 2^31-1.
   * @param onPassed - called at most once, unless {@link clear} is called before. It is given by how many
   * milliseconds the event loop was late, 0 when it was not.
   */
  constructor(clock: Clock, ms: number, onPassed: (lateByMs: number) => void) {
    this.#clock = clock;
    this.dueAt = clock.now() + ms;
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
    const lateByMs = this.#clock.now() - this.dueAt;
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

/**
 * Cancels work when its time is up, or when `outer` aborts. Call {@link end} when the work has settled: it then has no
 * timer and no listener.
 */
export abstract class TimedCancel extends Cancel {
  readonly #outer: Cancel | undefined;
  readonly #deadline: Deadline;

  /** @param timeoutMs - milliseconds, 0 to 2^31-1. */
  constructor(clock: Clock, timeoutMs: number, outer: Cancel | undefined) {
    super();
    this.#outer = outer;
    this.#deadline = new Deadline(clock, timeoutMs, (lateByMs) => this.abort(this.timedOut(lateByMs)));
    // After the timer: a clock that throws must leave no listener.
    outer?.onAbort(this);
  }

  /** When the time is up, by the clock. */
  get dueAt(): number {
    return this.#deadline.dueAt;
  }

  /** Called when the time is up. Returns the reason that the work is aborted with. */
  protected abstract timedOut(lateByMs: number): unknown;

  /** Called when `outer` aborts. */
  override handleEvent(): void {
    this.abort(this.#outer?.reason);
  }

  end(): void {
    this.#deadline.clear();
    this.#outer?.offAbort(this);
  }
}
