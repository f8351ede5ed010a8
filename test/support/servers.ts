import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProxyAuth } from "../../src/index.ts";
import { type RunningServer, startProcess as start } from "./servers/process.ts";

export type { RunningServer } from "./servers/process.ts";
export { startRedis } from "./servers/redis.ts";

/** Starts tinyproxy, an HTTP proxy; `lines` are added to its configuration. */
export function startTinyproxy(auth?: ProxyAuth, lines: readonly string[] = []): Promise<RunningServer> {
  return start("tinyproxy", (port, folder) => {
    const config = join(folder, "tinyproxy.conf");
    const basic = auth === undefined ? [] : [`BasicAuth ${auth.username} ${auth.password}`];
    const fixed = [`Port ${port}`, "Listen 127.0.0.1", "LogLevel Critical", "MaxClients 400", "Timeout 60"];
    writeFileSync(config, [...fixed, ...basic, ...lines, ""].join("\n"));
    return ["-d", "-c", config];
  });
}

/** Starts microsocks, a SOCKS5 proxy. */
export function startMicrosocks(auth?: ProxyAuth): Promise<RunningServer> {
  const login = auth === undefined ? [] : ["-u", auth.username, "-P", auth.password];
  return start("microsocks", (port) => ["-i", "127.0.0.1", "-p", String(port), ...login]);
}
