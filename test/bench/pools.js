// @ts-check
import { Duplex } from "node:stream";
import { createPool } from "generic-pool";
import { Pool as TarnPool } from "tarn";
import { pool } from "../../dist/index.js";
import { noop } from "./loop.js";
import { target } from "./stub.js";

/** A real stream without a network. */
function connection() {
  return new Duplex({
    read: noop,
    write(_chunk, _encoding, callback) {
      callback();
    },
  });
}

const create = async () => connection();

/**
 * Pools of connections that cost nothing to open. Each is a function that acquires a connection and returns a function
 * that releases it. All of them limit the wait.
 * @type {Record<string, (max: number) => () => Promise<() => unknown>>}
 */
export const pools = {
  "generic-pool"(max) {
    const made = createPool(
      { create, destroy: async (conn) => void conn.destroy() },
      { max, acquireTimeoutMillis: 30_000 },
    );
    return async () => {
      const conn = await made.acquire();
      return () => made.release(conn);
    };
  },
  tarn(max) {
    const made = new TarnPool({ create, destroy: (conn) => void conn.destroy(), min: 0, max });
    return async () => {
      const conn = await made.acquire().promise;
      return () => made.release(conn);
    };
  },
  "pool()"(maxOpen) {
    const made = pool({ dialer: create, maxOpen });
    return async () => {
      const lease = await made.acquire(target);
      return () => lease.release();
    };
  },
};
