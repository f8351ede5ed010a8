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

/** What ends a connect that another address has beaten: a cancellation, not a failure. */
export class RaceLostError extends Error {
  override readonly name = "AbortError";

  constructor() {
    super("another address was faster");
  }
}

export interface RaceSettings {
  /** How long an address has the race to itself before the next joins it. */
  readonly connectionAttemptDelayMs: number;
  /** The IP to try before all others, if the name still has it. */
  readonly first?: string | undefined;
  /** Told of the address that won. */
  readonly onWinner?: ((address: Address) => void) | undefined;
}

/**
 * Races the addresses of a name: the next joins when the one before has taken too long, or at once when
 * one fails, while the earlier ones go on; the first to connect wins, and every other is destroyed.
 *
 * @param resolveInto - starts finding the addresses; returns what stops it.
 * @see https://www.rfc-editor.org/rfc/rfc8305#section-5
 */
export function race(
  context: DialContext<Socket>,
  settings: RaceSettings,
  resolveInto: (sink: AddressSink) => (reason: unknown) => void,
  connect: (address: Address, context: DialContext<Socket>) => Promise<Socket>,
): Promise<Socket> {
  const { cancel, clock } = context;
  return new Promise((resolve, reject) => {
    const queue = new AddressQueue(settings.first);
    const errors: unknown[] = [];
    const others = new Cancel();
    const runner = { ...context, cancel: others };
    let running = 0;
    let resolving = true;
    let over = false;
    let delay: Deadline | undefined;
    let startedAt = 0;

    const finish = (reason: unknown) => {
      over = true;
      delay?.clear();
      cancel?.offAbort(onAbort);
      others.abort(reason);
      stopResolving(reason);
    };
    const fail = (error: unknown) => {
      finish(error);
      reject(error);
    };
    const onAbort = () => fail(cancel?.reason);

    // A hook may have aborted, in the midst of resolving or of a start.
    const startNext = () => {
      if (over) return;
      delay?.clear();
      const address = queue.next();
      if (address !== undefined) {
        running += 1;
        startedAt = clock.now();
        connect(address, runner).then((socket) => won(socket, address), lost);
        joinLater();
      } else if (running === 0 && !resolving) {
        fail(allFailed(errors));
      }
    };
    const joinLater = () => {
      if (over || queue.size === 0) return;
      const elapsedMs = clock.now() - startedAt;
      delay = new Deadline(clock, Math.max(0, settings.connectionAttemptDelayMs - elapsedMs), startNext);
    };
    const won = (socket: Socket, address: Address) => {
      if (over) {
        socket.destroy();
        return;
      }
      // An error takes a stack trace to make; a lone address has beaten nobody.
      finish(running > 1 ? new RaceLostError() : undefined);
      settings.onWinner?.(address);
      resolve(socket);
    };
    const lost = (error: unknown) => {
      running -= 1;
      if (over) return;
      errors.push(error);
      startNext();
    };

    let stopResolving: (reason: unknown) => void = () => {};
    cancel?.onAbort(onAbort);
    stopResolving = resolveInto({
      add(addresses) {
        const idle = queue.size === 0;
        queue.add(addresses);
        if (running === 0) startNext();
        else if (idle) joinLater();
      },
      end(error) {
        resolving = false;
        if (error !== undefined) fail(error);
        else if (running === 0 && queue.size === 0) fail(allFailed(errors));
      },
    });
    if (over) stopResolving(cancel?.reason);
  });
}

/** The deciding error speaks for all; the rest are its siblings in `errors`. */
function allFailed(errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  const deciding = decidingError(errors);
  const message = printable(`all ${errors.length} addresses failed: ${errors.map(messageOf).join("; ")}`);
  return Object.assign(new AggregateError(errors, message), { code: (deciding as NodeJS.ErrnoException)?.code });
}
