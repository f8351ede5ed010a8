import pg from "pg";
import { pgClient, pgStream } from "../../src/clients.ts";
import { type PostgresServer, postgresUser, startPostgres } from "../support/servers/postgres.ts";
import { type ClientEntry, type ClientSetup, clientScenarios } from "./contract.ts";

const ignore = () => {};

const query = async (client: pg.Client | pg.Pool) => (await client.query("select 6 * 7 as answer")).rows;

const server: Pick<ClientEntry, "answer" | "start" | "connections"> = {
  answer: [{ answer: 42 }],
  start: startPostgres,
  connections: (started) => (started as PostgresServer).connections(),
};

function configOf({ ca, timeoutMs }: ClientSetup): pg.PoolConfig {
  return {
    ...postgresUser,
    host: "localhost",
    ssl: ca !== undefined && { ca },
    ...(timeoutMs !== undefined && { connectionTimeoutMillis: timeoutMs }),
  };
}

/** A client for each connection: `pg.Client` connects once. */
function oneByOne(make: () => pg.Client) {
  let client: pg.Client | undefined;
  return {
    async ask() {
      if (client === undefined) {
        const made = make();
        client = made;
        made.on("error", ignore);
        made.on("end", () => {
          if (client === made) client = undefined;
        });
        await made.connect();
      }
      return query(client);
    },
    close: () => client?.end(),
  };
}

function pooled(pool: pg.Pool) {
  pool.on("error", ignore);
  return { ask: () => query(pool), close: () => pool.end() };
}

const waits = "pool.end() waits for the clients that connect; connectionTimeoutMillis cancels them";

const entries: readonly ClientEntry[] = [
  {
    ...server,
    name: "pg.Client with pgStream",
    make(setup) {
      const stream = pgStream(setup.dialer, `127.0.0.1:${setup.port}`);
      return oneByOne(() => new pg.Client({ ...configOf(setup), stream }));
    },
  },
  {
    ...server,
    name: "pg.Pool with pgStream",
    make: (setup) =>
      pooled(new pg.Pool({ ...configOf(setup), stream: pgStream(setup.dialer, `127.0.0.1:${setup.port}`) })),
    exceptions: { close: waits },
  },
  {
    ...server,
    name: "pg.Client with pgClient",
    make(setup) {
      const Client = pgClient(pg.Client, setup.dialer, `127.0.0.1:${setup.port}`);
      return oneByOne(() => new Client(configOf(setup)));
    },
  },
  {
    ...server,
    name: "pg.Pool with pgClient",
    make: (setup) =>
      pooled(new pg.Pool({ ...configOf(setup), Client: pgClient(pg.Client, setup.dialer, `127.0.0.1:${setup.port}`) })),
    exceptions: { close: waits },
  },
];

for (const entry of entries) clientScenarios(entry);
