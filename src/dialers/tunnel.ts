import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { type DialContext, dialerOf, runOf } from "../engine/context.ts";
import { placesOf } from "../engine/layer-info.ts";
import { timed } from "../engine/timed.ts";
import { runPhase } from "./phase.ts";

/** Whatever dials a socket, encrypted or not. */
export type SocketDialer = Dialer<Socket> | Dialer<TLSSocket>;

/** A tunnel through a proxy: what all kinds have in common. */
export interface Tunnel {
  /** `http` or `socks5`, for hooks and spans. */
  readonly type: string;
  readonly proxy: Target;
  readonly timeoutMs: number;
  /** Asks the proxy, on an open connection to it, for a way to `target`; the context is the phase's own. */
  readonly ask: (socket: Socket, target: Target, context: DialContext<Socket>) => Promise<void>;
}

/** A base dialer that dials the proxy by `over`, and asks it for a tunnel to the target. */
export function tunnelDialer(tunnel: Tunnel, over: SocketDialer): Dialer<Socket> {
  const { type, proxy, timeoutMs, ask } = tunnel;
  const dialProxy = runOf(over as Dialer<Socket>);
  return dialerOf(async function tunnelDialer(target, context) {
    if (target.path !== undefined) throw new DialError("a proxy reaches no unix sockets", { reason: "config" });
    const socket = await dialProxy(proxy, { ...context, handshake: undefined });
    const phase = { what: "proxy tunnel", timeoutMs, target, conn: socket };
    return timed(context, "proxy", { type, proxy }, () =>
      runPhase(phase, context, async (cancel) => {
        await ask(socket, target, { ...context, cancel });
        return socket;
      }),
    );
  }, placesOf(over));
}
