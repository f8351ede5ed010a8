import { findPostgresProgram, startPostgres } from "../../test/support/servers/postgres.ts";
import type { RunningServer } from "../../test/support/servers/process.ts";
import { startRedis } from "../../test/support/servers/redis.ts";
import { findCommand } from "../../test/support/tools.ts";
import { exitCodes } from "./folder.ts";
import { isMissing } from "./needs.ts";

/** A server that an example can stop and restart on the same port. */
export interface RestartableServer extends AsyncDisposable {
  /** Port on loopback. */
  readonly port: number;
  /** Starts the server again. */
  restart(): Promise<void>;
  /** Kills the server. */
  kill(): Promise<void>;
}

/** Exits with a message unless PostgreSQL and Redis are installed. */
export function needDatabases(): void {
  const missing: string[] = [];
  if (findPostgresProgram("initdb") === undefined) missing.push("initdb and postgres on the PATH (Debian: postgresql)");
  if (findCommand("redis-server") === undefined) missing.push("redis-server on the PATH (Debian: redis-server)");
  if (missing.length > 0) isMissing(missing.join(", and "));
}

/** Starts PostgreSQL with an empty database. */
export function postgresServer(): Promise<RestartableServer> {
  return restartable("PostgreSQL", (port) => startPostgres({ port }));
}

/** Starts Redis, without persistence. */
export function redisServer(): Promise<RestartableServer> {
  return restartable("Redis", (port) => startRedis(undefined, port));
}

/** Servers that are starting or running. */
const started = new Set<Promise<RunningServer>>();

async function restartable(
  name: string,
  launch: (port?: number) => Promise<RunningServer>,
): Promise<RestartableServer> {
  stopOnSignals();
  let running = launch();
  const announce = async () => {
    started.add(running);
    const { address, pid, port } = await running;
    console.log(`server  ${name} is up on ${address} (process ${pid})`);
    return port;
  };
  const port = await announce();
  const stop = () => stopped(running);
  return {
    port,
    async restart() {
      running = launch(port);
      await announce();
    },
    async kill() {
      await stop();
      console.log(`server  ${name} was killed`);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function stopped(server: Promise<RunningServer>): Promise<void> {
  // Only once: a signal may come while the example stops it.
  if (started.delete(server)) await (await server).stop();
}

/** Stops the servers on a signal, before the process exits: PostgreSQL would leave shared memory. */
function stopOnSignals(): void {
  if (started.size > 0) return;
  for (const [signal, exitCode] of exitCodes) {
    process.once(signal, async () => {
      process.on("uncaughtException", () => {}); // The clients lose their servers before the process exits.
      await Promise.allSettled([...started].map(stopped));
      process.exit(exitCode);
    });
  }
}
