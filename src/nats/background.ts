import type { ClientState } from "../client/client-trace.ts";
import { handled } from "../support/handled.ts";
import { ClientClosedError } from "./closed-error.ts";

/** Handle of a client that connects in the background. */
export interface BackgroundClient<Connection> {
  readonly state: ClientState;
  /** Whether there is a connection now. */
  readonly isConnected: boolean;
  /** Resolves when the client has connected for the first time; rejects if the first connect fails. */
  readonly ready: Promise<Connection>;
  /** The client's connection; `undefined` until the first connect has succeeded. */
  readonly connection: Connection | undefined;
  /** Ends the first connect, or closes the client. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client that has not connected yet. */
interface Connecting<Connection> {
  readonly state: ClientState;
  connect(): Promise<Connection>;
  close(why: Error): Promise<void>;
}

/** Starts the first connect and returns a handle to the client. */
export function inBackground<Connection>(client: Connecting<Connection>): BackgroundClient<Connection> {
  let connection: Connection | undefined;
  // `ready` may be ignored, because `state` shows the failure too.
  const ready = handled(client.connect());
  handled(
    ready.then((nc) => {
      connection = nc;
    }),
  );
  const close = () => client.close(new ClientClosedError());
  return {
    ready,
    close,
    get state() {
      return client.state;
    },
    get isConnected() {
      return client.state === "connected" || client.state === "draining";
    },
    get connection() {
      return connection;
    },
    [Symbol.asyncDispose]: close,
  };
}
