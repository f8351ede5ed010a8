import { connect, Socket, type TcpNetConnectOpts } from "node:net";
import { Deadline } from "../async/deadline.ts";
import { DialError, DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Address } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "../engine/context.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { isError } from "../support/is-error.ts";

/** What every connect of a dialer has in common. */
export interface ConnectSettings {
  readonly socket: Pick<
    TcpNetConnectOpts,
    "noDelay" | "keepAlive" | "keepAliveInitialDelay" | "localAddress" | "localPort"
  >;
  /** Bound on each connect. */
  readonly timeoutMs: number | undefined;
  readonly unref: boolean;
}

/** Tries one address, with its connect hooks. On failure or abort the socket is destroyed; no listener stays. */
export function connectAddress(
  address: Address,
  settings: ConnectSettings,
  target: Target,
  context: DialContext<Socket>,
): Promise<Socket> {
  const { cancel, trace, clock } = context;
  const { timeoutMs } = settings;
  return new Promise((resolve, reject) => {
    trace?.connectStart?.({ address });
    const startedAt = clock.now();
    const socket =
      address.family === "unix"
        ? connectUnix(address.address)
        : connect({ ...settings.socket, host: address.address, port: address.port });
    let deadline: Deadline | undefined;

    const end = () => {
      deadline?.clear();
      cancel?.offAbort(onAbort);
      socket.removeListener("connect", onConnect);
      socket.removeListener("error", onError);
    };
    const onConnect = () => {
      end();
      if (settings.unref) socket.unref();
      trace?.connectDone?.({ address, durationMs: clock.now() - startedAt, outcome: "success", socket });
      resolve(socket);
    };
    const onError = (error: unknown) => {
      end();
      // What failed at once is told a turn later; by then an abort may have ended the connect.
      socket.on("error", ignore);
      socket.destroy();
      if (address.family === "unix") makePrintable(error);
      trace?.connectDone?.({ address, durationMs: clock.now() - startedAt, ...outcomeOf(error, cancel) });
      reject(error);
    };
    const onAbort = () => onError(cancel?.reason);
    socket.on("connect", onConnect);
    socket.on("error", onError);
    if (timeoutMs !== undefined) {
      deadline = new Deadline(clock, timeoutMs, (lateByMs) => {
        // First, for the hook may abort.
        end();
        trace?.timeout?.({ target, scope: "phase", timeoutMs });
        const message = timeoutMessage(`connect to ${address.address}`, timeoutMs, lateByMs);
        onError(new DialTimeoutError(message, { scope: "phase", timeoutMs, lateByMs, target }));
      });
    }
    cancel?.onAbort(onAbort);
  });
}

function ignore(): void {}

/**
 * Bytes of a unix socket's path: what fits into `sun_path` together with the NUL at its end (unix(7)).
 * Node may take a part of a longer path, and connect to another socket.
 */
const maxPathBytes = { win32: Number.POSITIVE_INFINITY, linux: 107 }[process.platform as string] ?? 103;

function connectUnix(path: string): Socket {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return connect({ path: systemPath(path) });
  const message = `the unix socket's path has ${bytes} bytes, ${maxPathBytes} is the most`;
  return new Socket().destroy(new DialError(message, { reason: "config" }));
}

/** The path as the system takes it: on Linux, `@name` is a socket of the abstract namespace (unix(7)). */
function systemPath(path: string): string {
  return process.platform === "linux" && path.startsWith("@") ? `\0${path.slice(1)}` : path;
}

/** Node's errors about abstract sockets hold the NUL, which labels, spans and logs had better not. */
function makePrintable(error: unknown): void {
  if (!isError(error)) return;
  for (const key of ["message", "stack", "address"] as const) {
    const text = (error as { address?: unknown } & Error)[key];
    if (typeof text === "string" && text.includes("\0")) Object.assign(error, { [key]: text.replaceAll("\0", "@") });
  }
}
