// @ts-check
import { noop } from "./loop.js";

/** The name that is dialed; nothing listens there, for nothing is opened. */
export const target = "db.internal:5432";

/** The least that can pass for a connection: a real stream would cost more than what is measured. */
class StubConnection {
  destroyed = false;

  destroy() {
    if (this.destroyed) return this;
    this.destroyed = true;
    this._destroy(null, noop);
    return this;
  }

  on() {
    return this;
  }

  write() {
    return true;
  }

  isPaused() {
    return false;
  }

  /** @param {Error | null} error @param {(error: Error | null) => void} callback */
  _destroy(error, callback) {
    callback(error);
  }
}

/** A base dialer that resolves at once, with a connection of its own for each dial. */
export async function stubDialer() {
  return /** @type {any} */ (new StubConnection());
}
