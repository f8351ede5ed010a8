import { afterSockets } from "../support/loop-turn.ts";
import { Cancel } from "./cancel.ts";
import { clearTimer, startTimer } from "./checked-clock.ts";
import type { Clock } from "./clock.ts";

/** Milliseconds after which a timer counts as late; Node's timers have a resolution of 1 ms. */
const lateAfterMs = 2;

/**
 * Turns of the event loop that a late timer waits. Events that had already happened may take this many turns to be
 * reported: the answer about a name, the failure of its IPv6 address, the failure of its IPv4 address.
 */
const turns = 4;

/** The state of a deadline. */
interface DeadlineState {
  readonly clock: Clock;
  /** When the timer is due, by the clock. */
  readonly dueAt: number;
  timer: unknown;
  /** Set while a late timer waits for the sockets to be polled. */
  late: LateTimer | undefined;
  passed(lateByMs: number): void;
}

/**
 * A timer that limits the time of work, used for every timeout. Node's event loop runs timers before it polls sockets,
 * so after the loop was blocked a plain timer would fire although the work had ended in time. A late timer waits until
 * the loop has polled the sockets, so successes and failures that had already happened are reported first.
 *
 * @see https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick
 */
export class Deadline implements DeadlineState {
  readonly clock: Clock;
  readonly dueAt: number;
  timer: unknown = undefined;
  late: LateTimer | undefined = undefined;
  /** Called at most once, and not after {@link clear}, with the delay of the event loop in milliseconds, or 0. */
  readonly passed: (lateByMs: number) => void;

  /** @param ms - milliseconds, 0 to 2^31-1. */
  constructor(clock: Clock, ms: number, onPassed: (lateByMs: number) => void) {
    this.clock = clock;
    this.dueAt = clock.now() + ms;
    this.passed = onPassed;
    start(this, ms);
  }

  /** Whether the timer has fired late and waits for the sockets to be polled. */
  get isLate(): boolean {
    return this.late?.isWaiting === true;
  }

  /** Milliseconds by which the timer fired late; 0 if it was on time or has not fired. */
  get lateByMs(): number {
    return this.late?.lateByMs ?? 0;
  }

  /** Stops the timer. */
  clear(): void {
    clear(this);
  }
}

/**
 * Cancels work when its time is up, or when `outer` aborts. Call {@link end} when the work has settled: it then has no
 * timer and no listener. A single object with its timer, because every dial creates several.
 */
export abstract class TimedCancel extends Cancel implements DeadlineState {
  readonly clock: Clock;
  readonly dueAt: number;
  timer: unknown = undefined;
  late: LateTimer | undefined = undefined;
  readonly #outer: Cancel | undefined;

  /** @param timeoutMs - milliseconds, 0 to 2^31-1. */
  constructor(clock: Clock, timeoutMs: number, outer: Cancel | undefined) {
    super();
    this.clock = clock;
    this.dueAt = clock.now() + timeoutMs;
    this.#outer = outer;
    start(this, timeoutMs);
    // After the timer: a clock that throws must leave no listener.
    outer?.onAbort(this);
  }

  /** Called when the time is up. Returns the reason that the work is aborted with. */
  protected abstract timedOut(lateByMs: number): unknown;

  passed(lateByMs: number): void {
    this.abort(this.timedOut(lateByMs));
  }

  /** Called when `outer` aborts. */
  override handleEvent(): void {
    this.abort(this.#outer?.reason);
  }

  end(): void {
    clear(this);
    this.#outer?.offAbort(this);
  }
}

function start(deadline: DeadlineState, ms: number): void {
  deadline.timer = startTimer(deadline.clock, () => fire(deadline), ms);
}

function clear(deadline: DeadlineState): void {
  clearTimer(deadline.clock, deadline.timer);
  deadline.late?.clear();
}

function fire(deadline: DeadlineState): void {
  const lateByMs = deadline.clock.now() - deadline.dueAt;
  if (lateByMs <= lateAfterMs) deadline.passed(0);
  else deadline.late = new LateTimer(deadline, Math.round(lateByMs));
}

class LateTimer {
  readonly lateByMs: number;
  readonly #deadline: DeadlineState;
  #cancelTurn: (() => void) | undefined = undefined;
  #turns = 0;

  constructor(deadline: DeadlineState, lateByMs: number) {
    this.#deadline = deadline;
    this.lateByMs = lateByMs;
    this.#wait();
  }

  get isWaiting(): boolean {
    return this.#cancelTurn !== undefined;
  }

  clear(): void {
    this.#cancelTurn?.();
    this.#cancelTurn = undefined;
  }

  #wait(): void {
    this.#cancelTurn = afterSockets(() => {
      this.#turns += 1;
      if (this.#turns < turns) {
        this.#wait();
        return;
      }
      this.#cancelTurn = undefined;
      this.#deadline.passed(this.lateByMs);
    });
  }
}
