import type { ClientTraceLike } from "../client/client-trace.ts";
import type { Dialer } from "../core/dialer.ts";
import type { ClientCallbacks } from "./callbacks.ts";
import type { ReconnectDelayOptions } from "./reconnect-delay.ts";

export interface CredentialOptions {
  /** A `.creds` file: its path, read again at each connect, so that it can be rotated; or its bytes. */
  creds?: string | Uint8Array | undefined;
  /** The seed of an nkey: the path of a file with it, read again at each connect; or its bytes. */
  nkeySeed?: string | Uint8Array | undefined;
}

/** What `connect` takes beside the options of the client. */
export interface DialedConnectOptions extends ReconnectDelayOptions, CredentialOptions, ClientCallbacks {
  /** One server, several separated by commas, or an array. Credentials in URLs are used. @defaultValue `127.0.0.1:4222` */
  servers?: string | string[];
  /**
   * Makes the connections, the first and every reconnect. It is given each server's name unresolved.
   * The client retries by itself: keep the dialer's attempts few and its bound below `timeout`.
   * @defaultValue `compose(tcp())`
   */
  dialer?: Dialer | undefined;
  /**
   * Aborts the first connect, which rejects with the signal's reason. Once connected it ends
   * reconnecting: a client without connection closes at once, one with a connection when it loses it.
   */
  signal?: AbortSignal | undefined;
  /** Bound in milliseconds on the first connect: all servers, attempts and waits. @defaultValue none; each server has `timeout` */
  connectDeadlineMs?: number | undefined;
  /**
   * Whether the first connect goes on when every server has failed, waiting as a reconnect does, until
   * the signal or the deadline ends it. @defaultValue `false`; `true` with `connectInBackground`
   */
  retryOnFailedConnect?: boolean | undefined;
  /** Whether to resolve at once, with a handle to a client that is still connecting. @defaultValue `false` */
  connectInBackground?: boolean | undefined;
  /**
   * Bytes of messages that may wait while there is no connection; they are sent on the next. Beyond it
   * `publish` throws a `ReconnectBufferError`; -1 lets none wait. @defaultValue 8 MiB, as in Go
   */
  reconnectBufSize?: number | undefined;
  /** Hooks into the client's life, such as `natsMetrics()` of `dialtrace/prometheus`; or several. */
  trace?: ClientTraceLike | undefined;
  /** Interval in milliseconds at which the round trip to the server is measured. @defaultValue never */
  rttIntervalMs?: number | undefined;
}
