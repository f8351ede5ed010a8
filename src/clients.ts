export { mariadbStream } from "./clients/mariadb-stream.ts";
export { type Mysql2Target, mysql2Stream } from "./clients/mysql2-stream.ts";
export type { ClientSocketOptions } from "./clients/options.ts";
export { pgClient } from "./clients/pg-client.ts";
export { pgStream } from "./clients/pg-stream.ts";
export { type PostgresTarget, postgresSocket } from "./clients/postgres-socket.ts";
export { type TediousTarget, tediousConnector } from "./clients/tedious-connector.ts";
