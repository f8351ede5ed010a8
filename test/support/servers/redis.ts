import { connect } from "node:net";
import { type RunningServer, startProcess } from "./process.ts";

/** Starts redis-server without persistence; `tls` are its TLS options, if any, and `port` is that of a restart. */
export function startRedis(tls?: readonly string[], port?: number): Promise<RunningServer> {
  return startProcess(
    "redis-server",
    (chosen, folder) => {
      const ports =
        tls === undefined ? ["--port", String(chosen)] : ["--port", "0", "--tls-port", String(chosen), ...tls];
      return [...ports, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
    },
    { port },
  );
}

const probes = new WeakMap<object, number>();

/** Returns the number of connections that `server` has received, by its own count and without those of this function. */
export async function redisConnections(server: { readonly port: number }): Promise<number> {
  const made = (probes.get(server) ?? 0) + 1;
  probes.set(server, made);
  const socket = connect(server.port, "127.0.0.1");
  socket.write("INFO stats\r\nQUIT\r\n");
  let reply = "";
  for await (const chunk of socket) reply += chunk;
  return Number(/total_connections_received:(\d+)/.exec(reply)?.[1]) - made;
}
