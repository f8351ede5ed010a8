import { discard } from "../support/connection.ts";
import type { Cancel } from "./cancel.ts";

interface Destroyable {
  destroy(): unknown;
}

/**
 * Starts `work`, unless aborted before, and bounds it by `cancel`. On abort the work gets one turn of the event loop to end by
 * itself, so that its own events come in order; then the promise rejects on its behalf with the abort's
 * reason. A connection that comes after the abort is destroyed. Leaves no listener.
 *
 * @param release - called when the work has ended or is no longer waited for; maybe twice.
 */
export function abortable<T extends Destroyable>(
  work: () => Promise<T>,
  cancel: Cancel | undefined,
  release?: () => void,
): Promise<T> {
  if (cancel === undefined) return begun(work);
  if (cancel.aborted) {
    release?.();
    return Promise.reject(cancel.reason);
  }
  return new Promise<T>((resolve, reject) => {
    let turn: NodeJS.Immediate | undefined;
    const onAbort = () => {
      turn = setImmediate(() => {
        end();
        reject(cancel.reason);
      });
    };
    const end = () => {
      cancel.offAbort(onAbort);
      if (turn !== undefined) clearImmediate(turn);
      release?.();
    };
    // Before the work starts: whoever listens first hears of the abort last, after all that is beneath.
    cancel.onAbort(onAbort);
    begun(work).then(
      (conn) => {
        end();
        if (cancel.aborted) {
          // What a base dialer or a handshake resolved with has not been checked yet.
          discard(conn);
          reject(cancel.reason);
        } else {
          resolve(conn);
        }
      },
      (error) => {
        end();
        reject(cancel.aborted ? cancel.reason : error);
      },
    );
  });
}

function begun<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
