import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Issued } from "../certificates.ts";
import { temporaryFolder } from "../temporary.ts";
import { findCommand } from "../tools.ts";
import { type RunningServer, startProcess } from "./process.ts";

/** The user of each server, and its password. */
export const mariadbUser = { user: "app", password: "secret", database: "mysql" } as const;

/** How MariaDB is started. */
export interface MariadbOptions {
  /** Port to listen on; for a restart. @defaultValue a free port */
  readonly port?: number | undefined;
  /** Certificate for TLS, which clients may then use. @defaultValue no TLS */
  readonly tls?: Issued | undefined;
  /** Connections that the server allows, without the one for administrators. @defaultValue 100 */
  readonly maxConnections?: number;
}

/** Starts MariaDB with an empty database. */
export async function startMariadb({ port, tls, maxConnections = 100 }: MariadbOptions = {}): Promise<RunningServer> {
  const folder = temporaryFolder();
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const data = folders.pop() ?? newData();
  const { user, password } = mariadbUser;
  const init = file(
    "init.sql",
    `CREATE USER IF NOT EXISTS ${user}@'%' IDENTIFIED BY '${password}';\nGRANT SELECT, PROCESS ON *.* TO ${user}@'%';\n`,
  );
  const secure =
    tls === undefined ? [] : [`--ssl-cert=${file("cert.pem", tls.cert)}`, `--ssl-key=${file("key.pem", tls.key)}`];
  const server = await startProcess(
    "mariadbd",
    (chosen) => [
      "--no-defaults",
      ...asRoot(),
      `--datadir=${data}`,
      `--port=${chosen}`,
      `--socket=${join(folder, "socket")}`,
      `--pid-file=${join(folder, "pid")}`,
      `--init-file=${init}`,
      `--max-connections=${maxConnections}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
      "--skip-log-bin",
      ...small,
      ownTemporaryFolder(),
      ...secure,
    ],
    { port },
  );
  const stop = async () => {
    await server.stop();
    folders.push(data);
  };
  return { ...server, stop, [Symbol.asyncDispose]: stop };
}

const small = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M", "--innodb-flush-log-at-trx-commit=0"];

/** A server that starts removes the temporary tables of others that share its folder. */
function ownTemporaryFolder(): string {
  return `--tmpdir=${temporaryFolder()}`;
}

function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? ["--user=root"] : [];
}

/** Data of servers that have stopped, for those to come: making a new one takes seconds. */
const folders: string[] = [];

function newData(): string {
  const data = join(temporaryFolder(), "data");
  const options = ["--no-defaults", ...asRoot(), `--datadir=${data}`, "--skip-test-db", ...small, ownTemporaryFolder()];
  execFileSync(
    findCommand("mariadb-install-db") ?? "mariadb-install-db",
    [...options, "--auth-root-authentication-method=normal"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  return data;
}
