import { once } from "node:events";
import { connect } from "node:net";
import { until } from "../resources.ts";

/** How a server logs the connections that it receives. */
export interface ConnectionLog {
  readonly port: number;
  /** Returns the text of the log. */
  text(): string;
  /** What the line of each connection contains. */
  readonly marker: string;
  /** What the line of the connection from this local port contains. */
  lineOf(localPort: number): string;
  /** The first bytes of a client, if the server logs a connection only when it has received them. */
  readonly hello?: string;
}

/**
 * Returns a function that counts the connections that a server has logged. The log may lag behind the connections, but keeps
 * their order, so each count makes a connection of its own and waits until the log shows it. These are not counted.
 */
export function loggedConnections({ port, text, marker, lineOf, hello = "" }: ConnectionLog): () => Promise<number> {
  let own = 0;
  return async () => {
    const socket = connect(port, "127.0.0.1").resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await once(socket, "connect");
    own += 1;
    const line = lineOf(socket.localPort ?? Number.NaN);
    socket.on("error", () => {}).write(hello, "latin1");
    await until(() => text().includes(line), `the server has logged ${line}`);
    const count = text().split(marker).length - 1 - own;
    socket.destroy();
    await closed;
    return count;
  };
}
