import type { NatsConnection } from "@nats-io/transport-node";
import type { ClientState } from "../core/client-trace.ts";
import type { Client } from "./client.ts";
import { ClientClosedError } from "./closed-error.ts";

/** A client that connects while its owner goes on. */
export interface BackgroundConnection {
  readonly state: ClientState;
  /** Whether there is a connection at this moment. */
  readonly isConnected: boolean;
  /** Resolves when the first connection stands; rejects when the client has given it up. */
  readonly ready: Promise<NatsConnection>;
  /** The client, from when its first connection stands. */
  readonly connection: NatsConnection | undefined;
  /** Gives the first connect up, or closes the client. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Connects in the background. */
export function inBackground(client: Client): BackgroundConnection {
  let connection: NatsConnection | undefined;
  const ready = client.connect();
  ready.then(
    (nc) => {
      connection = nc;
    },
    // Whoever asks for `ready` is told; whoever doesn't looks at `state`.
    () => {},
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
