import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { startMariadb } from "./servers/mariadb.ts";
import { startPostgres } from "./servers/postgres.ts";

/** The TCP servers that the snippets of the documents dial, by the host name that the snippets use. */
export interface ReadmeServers extends AsyncDisposable {
  readonly ports: Record<string, number>;
}

const servers: Record<string, (socket: Socket) => void> = {
  "db.internal": (socket) => socket.resume(),
  "replica.internal": (socket) => socket.resume(),
  // The server speaks first, as in SMTP.
  "mail.internal": (socket) => socket.write("220 mail.internal ready\r\n"),
  // The client speaks first, as in Redis.
  "cache.internal": (socket) => socket.on("data", (data) => socket.write(replyTo(String(data)))),
};

function replyTo(command: string): string {
  if (command.startsWith("PING")) return "+PONG\r\n";
  return command === "AUTH secret\r\n" ? "+OK\r\n" : "-WRONGPASS invalid password\r\n";
}

/** Starts all of them on free ports of loopback. */
export async function startReadmeServers(): Promise<ReadmeServers> {
  const ports: Record<string, number> = {};
  const started: Server[] = [];
  for (const [name, serve] of Object.entries(servers)) {
    const server = createServer((socket) => serve(socket.on("error", () => {}))).listen(0, "127.0.0.1");
    await once(server, "listening");
    ports[name] = (server.address() as AddressInfo).port;
    started.push(server);
  }
  const databases = { "postgres.internal": await startPostgres(), "mariadb.internal": await startMariadb() };
  for (const [name, { port }] of Object.entries(databases)) ports[name] = port;
  return {
    ports,
    async [Symbol.asyncDispose]() {
      for (const server of started) server.close();
      for (const database of Object.values(databases)) await database.stop();
    },
  };
}
