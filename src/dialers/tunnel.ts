import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { type DialContext, dialerOf, runOf } from "../engine/context.ts";
import { baseLayer } from "../engine/layer-info.ts";
import { timed } from "../engine/timed.ts";
import { delayed } from "../engine/worst-case.ts";
import { runPhase } from "./phase.ts";

/** A dialer of plain or TLS sockets. */
export type SocketDialer = Dialer<Socket> | Dialer<TLSSocket>;

/** One kind of proxy tunnel. */
export interface Tunnel {
  /** The factory, for descriptions. */
  readonly factory: string;
  /** `http` or `socks5`; reported to hooks and spans. */
  readonly type: string;
  readonly proxy: Target;
  /** Timeout of the tunnel phase in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the timeout is the default. */
  readonly isDefault: boolean;
  /** Requests a tunnel to `target` on an open connection to the proxy. `context.cancel` is that of the phase. */
  readonly open: (socket: Socket, target: Target, context: DialContext<Socket>) => Promise<void>;
}

/** Creates a base dialer that dials the proxy with `over` and requests a tunnel to the target. */
export function tunnelDialer(tunnel: Tunnel, over: SocketDialer): Dialer<Socket> {
  const { factory, type, proxy, timeoutMs, isDefault, open } = tunnel;
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
    baseLayer(
      {
        factory,
        emits: ["proxyDone"],
        // A default is not compared with the timeouts above: it is a limit, and no mistake.
        timeout: isDefault ? undefined : { option: "timeoutMs", ms: timeoutMs },
        options: () => ({ proxy: String(proxy), timeoutMs }),
        worstCase: (beneath, withinMs) => delayed(beneath(withinMs), timeoutMs),
      },
      over,
    ),
  );
}
