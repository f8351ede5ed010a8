import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { type DialContext, dialerOf, runOf } from "../engine/context.ts";
import { baseInfo } from "../engine/layer-info.ts";
import { timed } from "../engine/timed.ts";
import { runPhase } from "./phase.ts";

/** A dialer of plain or TLS sockets. */
export type SocketDialer = Dialer<Socket> | Dialer<TLSSocket>;

/** One kind of proxy tunnel. */
export interface Tunnel {
  /** `http` or `socks5`; reported to hooks and spans. */
  readonly type: string;
  readonly proxy: Target;
  /** Timeout of the tunnel phase in milliseconds. */
  readonly timeoutMs: number;
  /** Requests a tunnel to `target` on an open connection to the proxy. `context.cancel` is that of the phase. */
  readonly open: (socket: Socket, target: Target, context: DialContext<Socket>) => Promise<void>;
}

/** Creates a base dialer that dials the proxy with `over` and requests a tunnel to the target. */
export function tunnelDialer(tunnel: Tunnel, over: SocketDialer): Dialer<Socket> {
  const { type, proxy, timeoutMs, open } = tunnel;
  const dialProxy = runOf(over as Dialer<Socket>);
  return dialerOf(
    async function tunnelDialer(target, context) {
      if (target.path !== undefined) throw new DialError("a proxy cannot dial unix sockets", { reason: "config" });
      const socket = await dialProxy(proxy, { ...context, handshake: undefined });
      const phase = { what: "proxy tunnel", timeoutMs, target, conn: socket };
      return timed(context, "proxy", { type, proxy }, () =>
        runPhase(phase, context, async (cancel) => {
          await open(socket, target, { ...context, cancel });
          return socket;
        }),
      );
    },
    baseInfo(["proxyDone"], over),
  );
}
