import type {
  ClientCloseInfo,
  ClientConnectInfo,
  ClientErrorInfo,
  ClientTrace,
  DisconnectInfo,
  ReconnectInfo,
  ServerSaidInfo,
  ServersChangeInfo,
} from "../client/client-trace.ts";
import { notify } from "../support/user-call.ts";
import { checkFunction } from "../support/validate.ts";

/**
 * Callbacks for the events of a client, like the handlers of the Go client. Each is called exactly once per event, in the
 * order of the events. Returned promises are not awaited. A callback that throws or rejects causes one process warning.
 */
export interface ClientCallbacks {
  /** The client has connected for the first time. @defaultValue none */
  onConnect?: ((info: ClientConnectInfo) => void) | undefined;
  /** An established connection has ended, for any reason including `close()`. @defaultValue none */
  onDisconnect?: ((cause: DisconnectInfo) => void) | undefined;
  /** A lost connection has been replaced. @defaultValue none */
  onReconnect?: ((info: ReconnectInfo) => void) | undefined;
  /** The client has closed permanently, with the error that made it give up, if any. @defaultValue none */
  onClosed?: ((info: ClientCloseInfo) => void) | undefined;
  /** A server has announced servers that are new to the pool. @defaultValue none */
  onDiscoveredServers?: ((info: ServersChangeInfo) => void) | undefined;
  /** The server is about to shut down. Called once per connection. @defaultValue none */
  onLameDuck?: ((info: ServerSaidInfo) => void) | undefined;
  /** A server has reported an error, such as a permission violation. @defaultValue none */
  onError?: ((info: ClientErrorInfo) => void) | undefined;
}

/** Names of the callbacks among the options of `connect`. */
export const callbackNames = [
  "onConnect",
  "onDisconnect",
  "onReconnect",
  "onClosed",
  "onDiscoveredServers",
  "onLameDuck",
  "onError",
] as const satisfies readonly (keyof ClientCallbacks)[];

/**
 * Returns the callbacks as hooks.
 *
 * @throws TypeError naming the callback that is not a function.
 */
export function callbackHooks(callbacks: ClientCallbacks): ClientTrace {
  for (const name of callbackNames) {
    if (callbacks[name] !== undefined) checkFunction(`connect: ${name}`, callbacks[name]);
  }
  const hookOf =
    <I>(name: (typeof callbackNames)[number], callback: ((info: I) => void) | undefined) =>
    (info: I) =>
      notify(name, () => callback?.(info));
  const discovered = hookOf("onDiscoveredServers", callbacks.onDiscoveredServers);
  return {
    connect: hookOf("onConnect", callbacks.onConnect),
    disconnect: hookOf("onDisconnect", callbacks.onDisconnect),
    reconnect: hookOf("onReconnect", callbacks.onReconnect),
    close: hookOf("onClosed", callbacks.onClosed),
    serversChange: (info) => (info.added.length > 0 ? discovered(info) : undefined),
    lameDuck: hookOf("onLameDuck", callbacks.onLameDuck),
    error: hookOf("onError", callbacks.onError),
  };
}
