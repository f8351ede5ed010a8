import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import type { DialContext } from "../core/context.ts";
import { failed } from "../core/outcome.ts";
import type { Address } from "../core/trace.ts";

/** Tries one address, with its connect hooks. On failure or abort the socket is destroyed; no listener stays. */
export function connectAddress(
  address: Address,
  socketOptions: Pick<TcpNetConnectOpts, "noDelay" | "keepAlive" | "keepAliveInitialDelay">,
  context: DialContext<Socket>,
): Promise<Socket> {
  const { cancel, trace, clock } = context;
  return new Promise((resolve, reject) => {
    trace?.connectStart?.({ address });
    const startedAt = clock.now();
    const socket =
      address.family === "unix"
        ? connect({ ...socketOptions, path: address.address })
        : connect({ ...socketOptions, host: address.address, port: address.port });

    const end = () => {
      cancel?.offAbort(onAbort);
      socket.removeListener("connect", onConnect);
      socket.removeListener("error", onError);
    };
    const onConnect = () => {
      end();
      trace?.connectDone?.({ address, durationMs: clock.now() - startedAt, outcome: "success", socket });
      resolve(socket);
    };
    const onError = (error: unknown) => {
      end();
      socket.destroy();
      trace?.connectDone?.({ address, durationMs: clock.now() - startedAt, ...failed(error, cancel) });
      reject(error);
    };
    const onAbort = () => onError(cancel?.reason);
    socket.on("connect", onConnect);
    socket.on("error", onError);
    cancel?.onAbort(onAbort);
  });
}
