import type { ClientState } from "../client/client-trace.ts";
import { handled } from "../support/handled.ts";
import { ClientClosedError } from "./closed-error.ts";

/** A client that connects while its owner goes on. */
export interface BackgroundClient<Connection> {
  readonly state: ClientState;
  /** Whether there is a connection at this moment. */
  readonly isConnected: boolean;
  /** Resolves when the first connection stands; rejects when the client has given it up. */
  readonly ready: Promise<Connection>;
  /** The client, from when its first connection stands. */
  readonly connection: Connection | undefined;
  /** Gives the first connect up, or closes the client. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client that has yet to connect. */
interface Connecting<Connection> {
  readonly state: ClientState;
  connect(): Promise<Connection>;
  close(why: Error): Promise<void>;
}

/** Connects in the background. */
export function inBackground<Connection>(client: Connecting<Connection>): BackgroundClient<Connection> {
  let connection: Connection | undefined;
  // An owner that never asks for `ready` reads `state`.
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
