import { Connection, Request } from "tedious";
import { tediousConnector } from "../../src/clients.ts";
import { type ClientEntry, type ClientSetup, clientScenarios } from "./contract.ts";
import { type TdsPeer, tdsPeer } from "./tds-peer.ts";

function connectionOf({ ca, timeoutMs }: ClientSetup, connector: ReturnType<typeof tediousConnector>): Connection {
  return new Connection({
    server: "localhost",
    authentication: { type: "default", options: { userName: "app", password: "secret" } },
    options: {
      port: 1433,
      connector,
      encrypt: ca === undefined ? false : ("strict" as never),
      ...(ca !== undefined && { cryptoCredentialsDetails: { ca } }),
      ...(timeoutMs !== undefined && { connectTimeout: timeoutMs }),
    },
  });
}

function connected(connection: Connection): Promise<Connection> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve(connection)));
  });
}

function ask(connection: Connection): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const rows: unknown[] = [];
    const request = new Request("select 42 as answer", (error) => (error ? reject(error) : resolve(rows)));
    request.on("row", (columns) => rows.push(columns[0].value));
    connection.execSqlBatch(request);
  });
}

const entry: ClientEntry = {
  name: "tedious with tediousConnector",
  answer: [42],
  start: tdsPeer,
  connections: (started) => (started as TdsPeer).accepted,
  make(setup) {
    const connector = tediousConnector(setup.dialer, `127.0.0.1:${setup.port}`);
    let connection: Connection | undefined;
    return {
      async ask() {
        if (connection === undefined) {
          const made = await connected(connectionOf(setup, connector));
          connection = made;
          const lost = () => {
            if (connection === made) connection = undefined;
          };
          made.on("end", lost);
          made.on("error", lost);
        }
        return ask(connection);
      },
      close: () => connection?.close(),
    };
  },
  dialErrorOf: (error) => (error as Error).cause,
  exceptions: { close: "connection.close() does not reach the connector; connectTimeout does" },
};

clientScenarios(entry);
