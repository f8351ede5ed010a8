import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { parseTargetOf, type TargetLike } from "../core/target.ts";
import { composedFrom } from "../engine/composed-from.ts";
import { contextOf } from "../engine/context.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, invalid, show } from "../support/validate.ts";
import { DeferredSocket, type LazySocketMode } from "./deferred-socket.ts";
import { type LazySocketOptions, settingsOf } from "./options.ts";

/**
 * Returns a `net.Socket` that exists immediately and connects through `dialer`, for clients that need a socket and not a
 * promise of one. It buffers what is written, and emits `lookup`, `connect`, `ready`, `data`, `timeout`, `error` and
 * `close` as a socket of `net.connect` does. Destroying it while it is being dialed cancels the dial. The error of a
 * failed dial is emitted as `error`, before `close`.
 *
 * A plain `net.Socket` that the dialer yields gives its kernel handle to this socket, so that carrying bytes costs
 * nothing. For anything else (a `TLSSocket`, a stream of another kind, Bun, Deno) bytes are forwarded.
 *
 * @param dialer - called once. Bound its dials with `withTimeout`: the socket has no timeout of its own.
 * @param target - what to dial; with `startOnConnect` it may be left out, and is then what `connect()` names.
 * @throws TypeError or RangeError naming the option.
 * @example
 * const socket = lazySocket(compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp()), "db.internal:5432");
 * socket.write("hello");
 * @see {@link lazySocketMode}
 */
export function lazySocket<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options: LazySocketOptions<C> = {},
): Socket {
  checkDialer("lazySocket: dialer", dialer);
  const settings = settingsOf(options);
  if (target === undefined && !settings.startOnConnect) {
    throw invalid(TypeError, "lazySocket: target must be given, unless startOnConnect is true");
  }
  const parsed = target === undefined ? undefined : parseTargetOf("lazySocket", target);
  const composed = composedFrom(dialer);
  return new DeferredSocket(composed, parsed, contextOf(settings.dial, composed, "lazySocket"), settings);
}

/**
 * Returns how a lazy socket carries its bytes: `adopted` when it has the kernel handle of the dialed socket, `forwarded`
 * when bytes pass through the dialed connection, and `unconnected` until the dial is done. A socket keeps its mode after
 * it is closed.
 *
 * @throws TypeError if `socket` was not made by {@link lazySocket}.
 */
export function lazySocketMode(socket: Socket): LazySocketMode {
  const mode = DeferredSocket.modeOf(socket);
  if (mode !== undefined) return mode;
  throw invalid(TypeError, `lazySocketMode: socket must be a lazy socket, got ${show(socket)}`);
}

markFactories({ lazySocket });
