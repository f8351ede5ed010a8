import { connect, type IpcNetConnectOpts, Socket, type TcpNetConnectOpts } from "node:net";
import { Deadline } from "../async/deadline.ts";
import { DialError, DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Address } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "../engine/context.ts";
import { isObserved } from "../engine/hook-chain.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { Timed } from "../engine/timed.ts";
import { isError } from "../support/is-error.ts";
import { observedDialKey } from "../support/observed-dial.ts";
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
    const socket = connectSocket(address, settings, isObserved(trace));
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
    const onTimeout = (lateByMs: number) => {
      // Before the hook, which may abort the dial.
      end();
      trace?.timeout?.({ target, scope: "phase", timeoutMs: timeoutMs as number });
      onError(timeoutError(address, target, timeoutMs as number, lateByMs));
    };
    try {
      if (timeoutMs !== undefined) deadline = new Deadline(clock, timeoutMs, onTimeout);
      cancel?.onAbort(onAbort);
    } catch (error) {
      // A clock of the user that throws must leave no socket.
      onError(error);
    }
  });
}

function timeoutError(address: Address, target: Target, timeoutMs: number, lateByMs: number): DialTimeoutError {
  const message = timeoutMessage(`connect to ${address.address}`, timeoutMs, lateByMs);
  return new DialTimeoutError(message, { scope: "phase", timeoutMs, lateByMs, target });
}

function ignore(): void {}

function connectSocket({ address, port, family }: Address, settings: ConnectSettings, observed: boolean): Socket {
  if (family === "unix") return connectUnix(address, observed);
  return connect({ [observedDialKey]: observed, ...settings.socket, host: address, port } as TcpNetConnectOpts);
}

function connectUnix(path: string, observed: boolean): Socket {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes)
    return connect({ [observedDialKey]: observed, path: systemPath(path) } as IpcNetConnectOpts);
  const message = `the unix socket's path has ${bytes} bytes; the maximum is ${maxPathBytes}`;
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
