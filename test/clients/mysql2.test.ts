import mysql from "mysql2";
import { mysql2Stream } from "../../src/clients.ts";
import { mariadbUser, startMariadb } from "../support/servers/mariadb.ts";
import { type ClientEntry, type ClientSetup, clientScenarios } from "./contract.ts";
import { mariadbConnections } from "./mariadb-connections.ts";

const ignore = () => {};

const server: Pick<ClientEntry, "answer" | "start" | "connections"> = {
  answer: [{ answer: 42 }],
  start: startMariadb,
  connections: mariadbConnections,
};

function configOf({ dialer, port, ca, timeoutMs }: ClientSetup): mysql.ConnectionOptions {
  return {
    ...mariadbUser,
    host: "localhost",
    stream: mysql2Stream(dialer, `127.0.0.1:${port}`),
    ...(ca !== undefined && { ssl: { ca, verifyIdentity: true } }),
    connectTimeout: timeoutMs ?? 30_000,
  };
}

async function ask(client: mysql.Connection | mysql.Pool) {
  const [rows] = await client.promise().query<mysql.RowDataPacket[]>("select 6 * 7 as answer");
  return rows.map(({ answer }) => ({ answer }));
}

/** A client for each connection: one of mysql2 connects once. */
function oneByOne(make: () => mysql.Connection) {
  let client: mysql.Connection | undefined;
  return {
    ask() {
      if (client === undefined) {
        const made = make();
        client = made;
        made.on("error", () => {
          if (client === made) client = undefined;
        });
      }
      return ask(client);
    },
    close: () => client?.destroy(),
  };
}

const entries: readonly ClientEntry[] = [
  {
    ...server,
    name: "mysql2's createConnection with mysql2Stream",
    make(setup) {
      const config = configOf(setup);
      return oneByOne(() => mysql.createConnection(config));
    },
  },
  {
    ...server,
    name: "mysql2's createPool with mysql2Stream",
    make(setup) {
      const pool = mysql.createPool(configOf(setup));
      return { ask: () => ask(pool), close: () => pool.promise().end().catch(ignore) };
    },
    exceptions: { close: "pool.end() waits for the connections that connect; connectTimeout cancels them" },
  },
];

for (const entry of entries) clientScenarios(entry);
