import * as mariadb from "mariadb";
import { mariadbStream } from "../../src/clients.ts";
import { mariadbUser, startMariadb } from "../support/servers/mariadb.ts";
import { type ClientEntry, type ClientSetup, clientScenarios } from "./contract.ts";
import { mariadbConnections } from "./mariadb-connections.ts";

const ignore = () => {};

const server: Pick<ClientEntry, "answer" | "start" | "connections"> = {
  answer: [{ answer: 42 }],
  start: startMariadb,
  connections: mariadbConnections,
};

function configOf({ dialer, port, ca, timeoutMs, fails }: ClientSetup): mariadb.ConnectionConfig {
  // The name that is verified; an option of tls.connect that the client's types lack.
  const ssl = { ca, host: "localhost" } as { ca: string };
  return {
    ...mariadbUser,
    stream: mariadbStream(dialer, `127.0.0.1:${port}`),
    ...(ca !== undefined && { ssl }),
    connectTimeout: timeoutMs ?? (fails ? 1_000 : 30_000),
  };
}

async function ask(client: mariadb.Connection | mariadb.Pool) {
  const rows: { answer: unknown }[] = await client.query("select 6 * 7 as answer");
  return rows.map(({ answer }) => ({ answer: Number(answer) }));
}

/** A client for each connection: one of mariadb connects once. */
function oneByOne(make: () => Promise<mariadb.Connection>) {
  let client: mariadb.Connection | undefined;
  return {
    async ask() {
      if (client === undefined || !client.isValid()) {
        client = await make();
        client.on("error", ignore);
      }
      return ask(client);
    },
    close: () => client?.end().catch(ignore),
  };
}

const entries: readonly ClientEntry[] = [
  {
    ...server,
    name: "mariadb's createConnection with mariadbStream",
    make(setup) {
      const config = configOf(setup);
      return oneByOne(() => mariadb.createConnection(config));
    },
    exceptions: {
      close: "createConnection() hands out a connection only when it is connected; connectTimeout cancels",
    },
  },
  {
    ...server,
    name: "mariadb's createPool with mariadbStream",
    make(setup) {
      const acquireTimeout = setup.fails ? 3_000 : 30_000;
      const pool = mariadb.createPool({ ...configOf(setup), connectionLimit: 1, acquireTimeout });
      return { ask: () => ask(pool), close: () => pool.end().catch(ignore) };
    },
    dialErrorOf: (error) => (error as Error).cause,
    exceptions: { silent: "the pool dials again until acquireTimeout; connectTimeout cancels each dial" },
  },
];

for (const entry of entries) clientScenarios(entry);
