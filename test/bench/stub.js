// @ts-check
import { noop } from "./loop.js";

/** The target of the stub dials. It is never connected to. */
export const target = "db.internal:5432";

/** A minimal connection: a real stream would cost more than what is measured. */
class StubConnection {
  destroyed = false;

  destroy() {
    if (this.destroyed) return this;
    this.destroyed = true;
    this._destroy(null, noop);
    return this;
  }

  // compose() accepts only duplex streams; it calls no other method of them.
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

/** A base dialer that resolves immediately with a new connection. */
export async function stubDialer() {
  return /** @type {any} */ (new StubConnection());
}
