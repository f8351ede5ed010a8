import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { parseTargetOf, type TargetLike } from "../core/target.ts";
import { compose } from "../engine/compose.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, checkDuration, checkFunction, checkOptions } from "../support/validate.ts";
import type { BridgeErrorListener } from "./client-connection.ts";
import type { ClientRequest } from "./client-request.ts";
import { type Bridge, startServer } from "./server.ts";

/** Options of {@link bridge}. */
export interface BridgeOptions<C extends Duplex = Socket> {
  /** Dials `target` for each client. Required. */
  dialer: Dialer<C>;
  /** Target that every client is connected to. Required. */
  target: TargetLike;
  /**
   * Called with the error of each failed dial, but not of a canceled one. A throw is ignored, with one warning per process.
   * @defaultValue none
   */
  onError?: BridgeErrorListener | undefined;
  /**
   * Milliseconds without traffic, 1 to 2^31-1, after which a connection or a dial is closed if one side has ended. TCP does
   * not show whether that side still waits for an answer or is gone. @defaultValue 60 000
   */
  halfOpenTimeoutMs?: number | undefined;
}

/**
 * Creates a local server that connects each client to `target` through a dialer, for clients that cannot be given a
 * dialer. Bytes are passed as they are, in both directions, with back-pressure.
 *
 * The connection of a client whose dial fails is reset. A client that leaves cancels its dial.
 *
 * @throws RangeError or TypeError naming the option.
 * @example
 * await using server = await bridge({ dialer, target: "redis.internal:6379" }).listen({ path: "/run/app/redis.sock" });
 * const client = createClient({ socket: { path: "/run/app/redis.sock", tls: false } });
 */
export function bridge<C extends Duplex = Socket>(options: BridgeOptions<C>): Bridge {
  checkOptions("bridge", options, { dialer: true, target: true, onError: true, halfOpenTimeoutMs: true });
  const { dialer, onError, halfOpenTimeoutMs = 60_000 } = options;
  checkDialer("bridge: dialer", dialer);
  const request: ClientRequest = {
    target: parseTargetOf("bridge", options.target),
    granted: undefined,
    refusal: () => undefined,
  };
  if (onError !== undefined) checkFunction("bridge: onError", onError);
  checkDuration("bridge: halfOpenTimeoutMs", halfOpenTimeoutMs);
  const readRequest = () => request;
  const settings = { factory: "bridge", dialer: compose(dialer), readRequest, halfOpenTimeoutMs, onError };
  return { listen: (where = {}) => startServer(settings, where) };
}

markFactories({ bridge });
