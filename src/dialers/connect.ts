import { connect, Socket, type TcpNetConnectOpts } from "node:net";
import { Deadline } from "../async/deadline.ts";
import { DialError, DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Address } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "../engine/context.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { Timed } from "../engine/timed.ts";
import { isError } from "../support/is-error.ts";
import { maxPathBytes } from "../support/unix-path.ts";

/** Settings that all connects of a dialer share. */
export interface ConnectSettings {
  /** Options of `net.connect`. */
  readonly socket: Pick<
    TcpNetConnectOpts,
    "noDelay" | "keepAlive" | "keepAliveInitialDelay" | "localAddress" | "localPort"
  >;
  /** Timeout of each connect in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Whether the connection is unref'd once it is established. */
  readonly unref: boolean;
}

/** Connects to one address and calls the connect hooks. On failure or abort the socket is destroyed; no listener is left. */
export function connectAddress(
  address: Address,
  settings: ConnectSettings,
  target: Target,
  context: DialContext<Socket>,
): Promise<Socket> {
  const { cancel, trace, clock } = context;
  const { timeoutMs } = settings;
  return new Promise((resolve, reject) => {
    const part = new Timed(context, "connect", { address });
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
      part.succeed({ socket });
      resolve(socket);
    };
    const onError = (error: unknown) => {
      end();
      // Node emits the error of a connect that failed immediately in the next turn, which may be after an abort.
      socket.on("error", ignore);
      socket.destroy();
      if (address.family === "unix") makePrintable(error);
      part.fail(outcomeOf(error, cancel));
      reject(error);
    };
    const onAbort = () => onError(cancel?.reason);
    socket.on("connect", onConnect);
    socket.on("error", onError);
    if (timeoutMs !== undefined) {
      deadline = new Deadline(clock, timeoutMs, (lateByMs) => {
        // Before the hook, which may abort the dial.
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

function connectUnix(path: string): Socket {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return connect({ path: systemPath(path) });
  const message = `the unix socket's path has ${bytes} bytes, the maximum is ${maxPathBytes}`;
  return new Socket().destroy(new DialError(message, { reason: "config" }));
}

/** Translates `@name` to a socket of the abstract namespace on Linux (unix(7)). */
function systemPath(path: string): string {
  return process.platform === "linux" && path.startsWith("@") ? `\0${path.slice(1)}` : path;
}

/** Replaces the NUL in Node's errors about abstract sockets, to keep it out of labels, spans and logs. */
function makePrintable(error: unknown): void {
  if (!isError(error)) return;
  for (const key of ["message", "stack", "address"] as const) {
    const text = (error as { address?: unknown } & Error)[key];
    if (typeof text === "string" && text.includes("\0")) Object.assign(error, { [key]: text.replaceAll("\0", "@") });
  }
}
