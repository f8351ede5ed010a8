import { once } from "node:events";
import rhea, { type Connection, type EventContext } from "rhea";
import { rheaConnection } from "../../src/clients.ts";
import { type RabbitmqServer, startRabbitmq } from "../support/servers/rabbitmq.ts";
import { clientScenarios } from "./contract.ts";

/** Sends a message, and resolves with what the server has done with it. */
async function send(connection: Connection): Promise<string> {
  const lost = once(connection, "disconnected").then(([context]: EventContext[]) => Promise.reject(context?.error));
  const sent = async () => {
    // A sender that is opened between two connections may never become sendable, over rhea's own sockets too.
    if (!connection.is_open()) await once(connection, "connection_open");
    const sender = connection.open_sender("/queue/test");
    await once(sender, "sendable");
    const accepted = once(sender, "accepted");
    sender.send({ body: "hello" });
    await accepted;
    sender.close();
    return "accepted";
  };
  return Promise.race([sent(), lost]);
}

clientScenarios({
  name: "rhea with rheaConnection",
  answer: "accepted",
  start: startRabbitmq,
  connections: (server) => (server as RabbitmqServer).connections(),
  make({ dialer, port, ca }) {
    const container = rhea.create_container();
    let connection: Connection | undefined;
    return {
      async ask() {
        connection ??= container
          .connect({
            host: "127.0.0.1",
            port,
            connection_details: rheaConnection(dialer),
            ...(ca !== undefined && { transport: "tls" as const, ca, servername: "localhost" }),
            username: "guest",
            password: "guest",
            initial_reconnect_delay: 20,
            max_reconnect_delay: 20,
          })
          .on("connection_error", () => {})
          .on("disconnected", () => {});
        return send(connection);
      },
      async close() {
        if (connection === undefined) return;
        connection.set_reconnect(false);
        connection.close();
      },
    };
  },
  exceptions: {
    silent: "rhea has no timeout of connecting",
    close: "rhea waits for a connection only to close it; withTimeout bounds that",
  },
});
