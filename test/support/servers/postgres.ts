import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Issued } from "../certificates.ts";
import { until } from "../resources.ts";
import { temporaryFolder } from "../temporary.ts";
import { findCommand } from "../tools.ts";
import { account } from "./account.ts";
import { loggedConnections } from "./logged-connections.ts";
import { type RunningServer, startProcess } from "./process.ts";

/** The superuser of each server, and its password. */
export const postgresUser = { user: "app", password: "secret", database: "postgres" } as const;

/** How PostgreSQL is started. */
export interface PostgresOptions {
  /** Port to listen on; for a restart. @defaultValue a free port */
  readonly port?: number | undefined;
  /** Certificate for TLS, which clients may then use. @defaultValue no TLS */
  readonly tls?: Issued | undefined;
  /** Connections that the server allows. @defaultValue 100 */
  readonly maxConnections?: number;
}

/** A running PostgreSQL. */
export interface PostgresServer extends RunningServer {
  /** Number of connections that the server has received, by its log. */
  connections(): Promise<number>;
}

/** Starts PostgreSQL with an empty database. */
export async function startPostgres({
  port,
  tls,
  maxConnections = 100,
}: PostgresOptions = {}): Promise<PostgresServer> {
  const { run, own } = account("postgres");
  const data = folders.pop() ?? newData();
  const settings = ["listen_addresses=127.0.0.1", `max_connections=${maxConnections}`, "log_connections=on"];
  settings.push("unix_socket_directories=", "fsync=off", "logging_collector=on", "log_filename=server.log");
  if (tls !== undefined) {
    writeFileSync(join(data, "server.crt"), tls.cert);
    writeFileSync(join(data, "server.key"), tls.key);
    settings.push("ssl=on");
  }
  own(join(data, ".."));
  const [command] = run(program("postgres"), []);
  const pidFile = join(data, "postmaster.pid");
  const server = await startProcess(
    command,
    (chosen) =>
      run(program("postgres"), ["-D", data, "-p", String(chosen), ...settings.flatMap((each) => ["-c", each])])[1],
    // Killed, it would leave its shared memory.
    { port, signal: "SIGQUIT", answers: async () => /^ready\s*$/m.test(textOf(pidFile)) },
  );
  const stop = async () => {
    const pid = Number.parseInt(textOf(pidFile), 10);
    // Ends every process of the server and frees its shared memory; they are in process groups of their own.
    if (pid > 0) process.kill(pid, "SIGQUIT");
    await until(() => !existsSync(pidFile), "PostgreSQL has ended", 60_000);
    await server.stop();
    folders.push(data);
  };
  const connections = loggedConnections({
    port: server.port,
    text: () => textOf(join(data, "log/server.log")),
    marker: "connection received",
    lineOf: (localPort) => `port=${localPort}\n`,
  });
  return { ...server, connections, stop, [Symbol.asyncDispose]: stop };
}

/** Data folders of stopped servers, for reuse: creating one takes seconds. */
const folders: string[] = [];

function newData(): string {
  const { run, own } = account("postgres");
  const folder = temporaryFolder();
  const password = join(folder, "password");
  writeFileSync(password, postgresUser.password);
  own(folder);
  const data = join(folder, "data");
  const options = ["--username", postgresUser.user, "--pwfile", password, "--auth-host", "scram-sha-256"];
  const small = ["--wal-segsize=1", "--no-sync", "--encoding=UTF8", "--locale=C"];
  execFileSync(...run(program("initdb"), ["-D", data, ...options, ...small]), {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: "/",
  });
  return data;
}

/** The path of a program of PostgreSQL, if any. Debian keeps those of each version in a folder that is not on the PATH. */
export function findPostgresProgram(name: string): string | undefined {
  return findCommand(name) ?? debianPrograms().find((path) => path.endsWith(`/${name}`));
}

function program(name: string): string {
  return findPostgresProgram(name) ?? name;
}

function debianPrograms(): string[] {
  const versions = "/usr/lib/postgresql";
  if (!existsSync(versions)) return [];
  return readdirSync(versions).flatMap((version) => {
    const folder = join(versions, version, "bin");
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
