import type { Cancel } from "./cancel.ts";

interface Destroyable {
  destroy(): unknown;
}

/**
 * Bounds `work` by `cancel`. On abort the work gets one turn of the event loop to end by itself, so
 * that its own events come in order; then the promise rejects on its behalf with the abort's reason.
 * A connection that comes after the abort is destroyed. Leaves no listener.
 *
 * @param release - called when the work has ended or is no longer waited for; maybe twice.
 */
export function abortable<T extends Destroyable>(
  work: Promise<T>,
  cancel: Cancel | undefined,
  release?: () => void,
): Promise<T> {
  if (cancel === undefined) return work;
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
    cancel.onAbort(onAbort);
    work.then(
      (conn) => {
        end();
        if (cancel.aborted) {
          conn.destroy();
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
