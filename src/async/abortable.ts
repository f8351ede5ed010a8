import { discard } from "../support/connection.ts";
import type { Cancel } from "./cancel.ts";

interface Destroyable {
  destroy(): unknown;
}

/**
 * Runs `work`, unless `cancel` is aborted already. After an abort, the work has one turn of the event loop to end by
 * itself, so that its events come in order; then the promise rejects with the abort's reason. A connection that
 * arrives after the abort is destroyed. Leaves no listener.
 *
 * @param args - passed to the work, so that hot paths need no closure.
 */
export function abortable<T extends Destroyable>(work: () => Promise<T>, cancel: Cancel | undefined): Promise<T>;
export function abortable<T extends Destroyable, A, B>(
  work: (...args: [A, B]) => Promise<T>,
  cancel: Cancel | undefined,
  ...args: [A, B]
): Promise<T>;
export function abortable<T extends Destroyable>(
  work: (first: unknown, second: unknown) => Promise<T>,
  cancel: Cancel | undefined,
  first?: unknown,
  second?: unknown,
): Promise<T> {
  if (cancel === undefined) return begin(work, first, second);
  if (cancel.aborted) return Promise.reject(cancel.reason);
  const guard = new AbortGuard<T>(cancel);
  guard.follow(begin(work, first, second));
  return guard.settled;
}

class AbortGuard<T extends Destroyable> {
  readonly settled: Promise<T>;
  readonly #cancel: Cancel;
  #resolve!: (conn: T) => void;
  #reject!: (error: unknown) => void;
  #turn: NodeJS.Immediate | undefined = undefined;

  constructor(cancel: Cancel) {
    this.#cancel = cancel;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Before the work starts: listeners are called newest first, so this one is called after all that the work adds.
    cancel.onAbort(this);
  }

  handleEvent(): void {
    this.#turn = setImmediate(() => this.#reject(this.#cancel.reason));
  }

  follow(work: Promise<T>): void {
    work.then(
      (conn) => this.#succeed(conn),
      (error) => this.#fail(error),
    );
  }

  #succeed(conn: T): void {
    this.#end();
    if (this.#cancel.aborted) {
      // The result of a base dialer or a handshake has not been checked yet.
      discard(conn);
      this.#reject(this.#cancel.reason);
    } else {
      this.#resolve(conn);
    }
  }

  #fail(error: unknown): void {
    this.#end();
    this.#reject(this.#cancel.aborted ? this.#cancel.reason : error);
  }

  #end(): void {
    this.#cancel.offAbort(this);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
  }
}

/** Starts the work. A base dialer from outside may throw, or return something other than a promise. */
export function begin<T, A, B>(work: (first: A, second: B) => Promise<T>, first: A, second: B): Promise<T> {
  try {
    const started: unknown = work(first, second);
    return started instanceof Promise ? started : Promise.resolve(started as T);
  } catch (error) {
    return Promise.reject(error);
  }
}
