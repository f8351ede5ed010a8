import { pbkdf2Sync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Issued } from "../certificates.ts";
import { temporaryFolder } from "../temporary.ts";
import { loggedConnections } from "./logged-connections.ts";
import { type RunningServer, startProcess } from "./process.ts";

/** A running Mosquitto. */
export interface MosquittoServer extends RunningServer {
  /** The number of connections that it has received, by its log. */
  connections(): Promise<number>;
}

/** How Mosquitto is started. */
export interface MosquittoOptions {
  /** Port to listen on; for a restart. @defaultValue a free port */
  readonly port?: number | undefined;
  /** Certificate for TLS, which clients must then use. @defaultValue no TLS */
  readonly tls?: Issued | undefined;
  /** The only user that it accepts. @defaultValue every client, without a password */
  readonly user?: { readonly name: string; readonly password: string };
}

/** Starts Mosquitto, without persistence. */
export async function startMosquitto({ port, tls, user }: MosquittoOptions = {}): Promise<MosquittoServer> {
  const folder = temporaryFolder();
  const log = join(folder, "log");
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const secure = tls === undefined ? [] : [`certfile ${file("cert", tls.cert)}`, `keyfile ${file("key", tls.key)}`];
  const access =
    user === undefined
      ? ["allow_anonymous true"]
      : ["allow_anonymous false", `password_file ${file("passwords", `${user.name}:${hashed(user.password)}\n`)}`];
  const server = await startProcess(
    "mosquitto",
    (chosen) => {
      const lines = [`listener ${chosen} 127.0.0.1`, ...secure, ...access, "persistence false"];
      const asRoot = process.getuid?.() === 0 ? ["user root"] : [];
      const config = [...lines, ...asRoot, `log_dest file ${log}`, "log_type notice", ""];
      return ["-c", file("conf", config.join("\n"))];
    },
    { port },
  );
  const connections = loggedConnections({
    port: server.port,
    text: () => readFileSync(log, "utf8"),
    marker: "New connection from",
    lineOf: (localPort) => `New connection from 127.0.0.1:${localPort} `,
  });
  return { ...server, connections };
}

/** Returns a password as Mosquitto stores it. */
function hashed(password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, "sha512");
  return `$7$101$${salt.toString("base64")}$${hash.toString("base64")}`;
}
