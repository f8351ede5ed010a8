import type { ClientTraceLike } from "../client/client-trace.ts";
import type { Dialer } from "../core/dialer.ts";
import type { ClientCallbacks } from "./callbacks.ts";
import type { ReconnectDelayOptions } from "./reconnect-delay.ts";

/** Options for credentials in files. */
export interface CredentialOptions {
  /** A `.creds` file: its path, which is read again before each dial so that it can be rotated, or its bytes. @defaultValue none */
  creds?: string | Uint8Array | undefined;
  /** The seed of an nkey: the path of its file, which is read again before each dial, or its bytes. @defaultValue none */
  nkeySeed?: string | Uint8Array | undefined;
}

/** Options of `connect` in addition to those of the client library. */
export interface DialedConnectOptions extends ReconnectDelayOptions, CredentialOptions, ClientCallbacks {
  /** One server, several separated by commas, or an array. Credentials in URLs are used. @defaultValue `127.0.0.1:4222` */
  servers?: string | string[];
  /**
   * Makes the first connection and every reconnect. It receives each server's name unresolved.
   * The client retries by itself: give the dialer few attempts and a timeout below `timeout`.
   * @defaultValue `compose(tcp())`
   */
  dialer?: Dialer | undefined;
  /**
   * Aborts the first connect, which rejects with the signal's reason. Once connected, an abort ends reconnecting: a
   * disconnected client closes at once, a connected client when it loses the connection. @defaultValue none
   */
  signal?: AbortSignal | undefined;
  /** Limit in milliseconds for the first connect: all servers, attempts and delays. @defaultValue none; `timeout` limits each server */
  connectDeadlineMs?: number | undefined;
  /**
   * Whether the first connect continues after every server has failed, with the delays of a reconnect, until the signal or
   * the deadline ends it. @defaultValue `false`; `true` with `connectInBackground`
   */
  retryOnFailedConnect?: boolean | undefined;
  /** Whether to resolve at once to a handle of a client that is still connecting. @defaultValue `false` */
  connectInBackground?: boolean | undefined;
  /**
   * Bytes of messages that are buffered while there is no connection and sent on the next. Beyond that limit `publish`
   * throws a `ReconnectBufferError`; -1 disables buffering. @defaultValue 8 MiB, as in Go
   */
  reconnectBufSize?: number | undefined;
  /** One or several observers of the client, such as `natsMetrics()` of `dialtrace/prometheus`. @defaultValue none */
  trace?: ClientTraceLike | undefined;
  /** Interval in milliseconds at which the round-trip time to the server is measured. @defaultValue never */
  rttIntervalMs?: number | undefined;
}
