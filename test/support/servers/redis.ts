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
