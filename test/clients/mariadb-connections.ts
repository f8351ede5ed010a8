import mysql from "mysql2/promise";
import { mariadbUser } from "../support/servers/mariadb.ts";
import type { ClientServer } from "./contract.ts";

const counts = new WeakMap<ClientServer, number>();

/** Returns the number of connections that the server has received, without those that were made to ask it. */
export async function mariadbConnections(server: ClientServer): Promise<number> {
  const { user, password } = mariadbUser;
  const connection = await mysql.createConnection({ user, password, host: "127.0.0.1", port: server.port });
  const [rows] = await connection.query<mysql.RowDataPacket[]>("show global status like 'Connections'");
  await connection.end();
  const own = (counts.get(server) ?? 0) + 1;
  counts.set(server, own);
  return Number(rows[0]?.Value) - own;
}
