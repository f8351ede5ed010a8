import postgres from "postgres";
import { postgresSocket } from "../../src/clients.ts";
import { type PostgresServer, postgresUser, startPostgres } from "../support/servers/postgres.ts";
import { type ClientEntry, clientScenarios } from "./contract.ts";

const entry: ClientEntry = {
  name: "postgres with postgresSocket",
  answer: [{ answer: 42 }],
  start: startPostgres,
  connections: (started) => (started as PostgresServer).connections(),
  make({ dialer, port, ca, timeoutMs }) {
    const sql = postgres({
      ...postgresUser,
      host: "localhost",
      ssl: ca !== undefined && { ca },
      backoff: () => 0.02,
      ...(timeoutMs !== undefined && { connect_timeout: timeoutMs / 1000 }),
      socket: postgresSocket(dialer, `127.0.0.1:${port}`),
    } as postgres.Options<Record<string, never>>);
    return { ask: async () => [...(await sql`select 6 * 7 as answer`)], close: () => sql.end({ timeout: 0 }) };
  },
};

clientScenarios(entry);
