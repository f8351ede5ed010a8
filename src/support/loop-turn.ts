import { isDeno } from "./runtime.ts";

/**
 * Calls `callback` once, after the event loop has looked at the sockets.
 *
 * @returns a function that cancels the call.
 */
export function afterSockets(callback: () => void): () => void {
  if (!isDeno) {
    const turn = setImmediate(callback);
    return () => clearImmediate(turn);
  }
  // Deno runs immediates without looking at the sockets in between. It may report a connect only after a second timer.
  let timer = setTimeout(() => {
    timer = setTimeout(callback, 0);
  }, 0);
  return () => clearTimeout(timer);
}
