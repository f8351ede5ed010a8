import type { Socket } from "node:net";
import { Cancel } from "../async/cancel.ts";
import { Deadline } from "../async/deadline.ts";
import { decidingError } from "../core/classify.ts";
import type { Address } from "../core/event-values.ts";
import type { DialContext } from "../engine/context.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import { AddressQueue } from "./address-queue.ts";
import type { AddressSink } from "./resolve.ts";

/** The reason that cancels the connects of a race when another address has won: a cancellation, not a failure. */
export class RaceLostError extends Error {
  override readonly name = "AbortError";

  constructor() {
    super("another address was faster");
  }
}

/** How one race runs. */
export interface RaceSettings {
  /** Milliseconds after which the next address joins the race. */
  readonly connectionAttemptDelayMs: number;
  /** The IP to try before all others, if the name still resolves to it. */
  readonly first?: string | undefined;
  /** Called with the address that won. */
  readonly onWinner?: ((address: Address) => void) | undefined;
}

/** Starts resolving the addresses of a race; returns a function that stops it. */
type StartResolving = (sink: AddressSink) => (reason: unknown) => void;

/** Connects to one address. */
type Connect = (address: Address, context: DialContext<Socket>) => Promise<Socket>;

/**
 * Races the addresses of a name. The next address starts after `connectionAttemptDelayMs`, or immediately when one
 * fails; the earlier connects continue. The first to connect wins, and every other socket is destroyed.
 *
 * @param startResolving - starts resolving the addresses; returns a function that stops it.
 * @see https://www.rfc-editor.org/rfc/rfc8305#section-5
 */
export function race(
  context: DialContext<Socket>,
  settings: RaceSettings,
  startResolving: StartResolving,
  connect: Connect,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    new Race(context, settings, connect, { resolve, reject }).start(startResolving);
  });
}

/** The two functions that settle the promise of a race. */
interface Settle {
  readonly resolve: (socket: Socket) => void;
  readonly reject: (error: unknown) => void;
}

class Race {
  readonly #context: DialContext<Socket>;
  readonly #settings: RaceSettings;
  readonly #connect: Connect;
  readonly #settle: Settle;
  readonly #queue: AddressQueue;
  readonly #errors: unknown[] = [];
  /** Cancels the connects that are still running when the race ends. */
  readonly #connects = new Cancel();
  readonly #connectContext: DialContext<Socket>;
  #running = 0;
  #resolving = true;
  #over = false;
  #delay: Deadline | undefined;
  #startedAt = 0;
  #stopResolving: (reason: unknown) => void = () => {};

  constructor(context: DialContext<Socket>, settings: RaceSettings, connect: Connect, settle: Settle) {
    this.#context = context;
    this.#settings = settings;
    this.#connect = connect;
    this.#settle = settle;
    this.#queue = new AddressQueue(settings.first);
    this.#connectContext = { ...context, cancel: this.#connects };
  }

  start(startResolving: StartResolving): void {
    const { cancel } = this.#context;
    cancel?.onAbort(this.#onAbort);
    this.#stopResolving = startResolving({
      add: (addresses) => this.#add(addresses),
      end: (error) => this.#end(error),
    });
    // A hook may have aborted the dial before there was a function that stops the lookup.
    if (this.#over) this.#stopResolving(cancel?.reason);
  }

  #add(addresses: readonly Address[]): void {
    const idle = this.#queue.size === 0;
    this.#queue.add(addresses);
    if (this.#running === 0) this.#startNext();
    else if (idle) this.#scheduleNext();
  }

  #end(error: unknown): void {
    this.#resolving = false;
    if (error !== undefined) this.#fail(error);
    else if (this.#running === 0 && this.#queue.size === 0) this.#fail(allFailed(this.#errors));
  }

  // Arrow functions: they are passed as callbacks.
  readonly #startNext = (): void => {
    // A hook may have aborted the dial during resolution or while an address started.
    if (this.#over) return;
    this.#delay?.clear();
    const address = this.#queue.next();
    if (address !== undefined) {
      this.#running += 1;
      this.#startedAt = this.#context.clock.now();
      this.#connect(address, this.#connectContext).then((socket) => this.#won(socket, address), this.#lost);
      this.#scheduleNext();
    } else if (this.#running === 0 && !this.#resolving) {
      this.#fail(allFailed(this.#errors));
    }
  };

  #scheduleNext(): void {
    if (this.#over || this.#queue.size === 0) return;
    const { clock } = this.#context;
    try {
      const elapsedMs = clock.now() - this.#startedAt;
      const delayMs = Math.max(0, this.#settings.connectionAttemptDelayMs - elapsedMs);
      this.#delay = new Deadline(clock, delayMs, this.#startNext);
    } catch (error) {
      // A clock of the user that throws must leave no socket, and must not throw into the callback of a lookup.
      this.#fail(error);
    }
  }

  #won(socket: Socket, address: Address): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    // Creating an error captures a stack trace, so a race with one runner creates none.
    this.#finish(this.#running > 1 ? new RaceLostError() : undefined);
    this.#settings.onWinner?.(address);
    this.#settle.resolve(socket);
  }

  readonly #lost = (error: unknown): void => {
    this.#running -= 1;
    if (this.#over) return;
    this.#errors.push(error);
    this.#startNext();
  };

  readonly #onAbort = (): void => this.#fail(this.#context.cancel?.reason);

  #fail(error: unknown): void {
    this.#finish(error);
    this.#settle.reject(error);
  }

  #finish(reason: unknown): void {
    this.#over = true;
    this.#delay?.clear();
    this.#context.cancel?.offAbort(this.#onAbort);
    this.#connects.abort(reason);
    this.#stopResolving(reason);
  }
}

/** An AggregateError of all errors, with the `code` of the deciding one. */
function allFailed(errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  const deciding = decidingError(errors);
  const message = printable(`all ${errors.length} addresses failed: ${errors.map(messageOf).join("; ")}`);
  return Object.assign(new AggregateError(errors, message), { code: (deciding as NodeJS.ErrnoException)?.code });
}
