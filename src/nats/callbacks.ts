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
 * What the Go client calls its handlers: each is called exactly once for its event, in the order of the
 * events. One that throws, or returns a promise that rejects, is warned of once; the promise is not awaited.
 */
export interface ClientCallbacks {
  /** The first connection stands. */
  onConnect?: ((info: ClientConnectInfo) => void) | undefined;
  /** An established connection has ended, by whoever's doing, `close()` included. */
  onDisconnect?: ((cause: DisconnectInfo) => void) | undefined;
  /** A lost connection has been replaced. */
  onReconnect?: ((info: ReconnectInfo) => void) | undefined;
  /** The client has closed for good; with the error that it gave up for, if it was that. */
  onClosed?: ((info: ClientCloseInfo) => void) | undefined;
  /** A server has told of others that the pool didn't have. */
  onDiscoveredServers?: ((info: ServersChangeInfo) => void) | undefined;
  /** The server is about to shut down. Once for each connection. */
  onLameDuck?: ((info: ServerSaidInfo) => void) | undefined;
  /** A server has reported an error, such as a permission violation. */
  onError?: ((info: ClientErrorInfo) => void) | undefined;
}

export const callbackNames = [
  "onConnect",
  "onDisconnect",
  "onReconnect",
  "onClosed",
  "onDiscoveredServers",
  "onLameDuck",
  "onError",
] as const satisfies readonly (keyof ClientCallbacks)[];

/** @throws TypeError naming the callback that is no function. */
export function callbackHooks(callbacks: ClientCallbacks): ClientTrace {
  for (const name of callbackNames) {
    if (callbacks[name] !== undefined) checkFunction(`connect: ${name}`, callbacks[name]);
  }
  const told =
    <I>(name: (typeof callbackNames)[number], callback: ((info: I) => void) | undefined) =>
    (info: I) =>
      notify(name, () => callback?.(info));
  const discovered = told("onDiscoveredServers", callbacks.onDiscoveredServers);
  return {
    connect: told("onConnect", callbacks.onConnect),
    disconnect: told("onDisconnect", callbacks.onDisconnect),
    reconnect: told("onReconnect", callbacks.onReconnect),
    close: told("onClosed", callbacks.onClosed),
    serversChange: (info) => (info.added.length > 0 ? discovered(info) : undefined),
    lameDuck: told("onLameDuck", callbacks.onLameDuck),
    error: told("onError", callbacks.onError),
  };
}
