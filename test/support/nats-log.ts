import { readFileSync } from "node:fs";

/** A client's connection in the log of its server. */
export interface LoggedConnection {
  /** Process id of the server; each restart has its own. */
  readonly pid: number;
  readonly cid: number;
  /** The client's port. */
  readonly port: number;
  /** Name of the client in CONNECT. The server logs it only at the end of a connection. */
  readonly client: string | undefined;
  /** The reason in the server's log; `undefined` if the connection is open or no reason was logged. */
  readonly end: string | undefined;
}

const created = /^\[(\d+)\] .*:(\d+) - cid:(\d+) - Client connection created$/;
const closed = /^\[(\d+)\] .*:\d+ - cid:(\d+) - (?:"(.*)" - )?Client connection closed: (.*)$/;

/** Reads the client connections from the log of a nats-server, across restarts. The log requires `debug: true`. */
export function readConnections(logFile: string): LoggedConnection[] {
  const all: { -readonly [K in keyof LoggedConnection]: LoggedConnection[K] }[] = [];
  for (const line of readFileSync(logFile, "utf8").split("\n")) {
    const [, pid, port, cid] = created.exec(line) ?? [];
    if (pid !== undefined) {
      all.push({ pid: Number(pid), cid: Number(cid), port: Number(port), client: undefined, end: undefined });
    }
    const [, closedPid, closedCid, client, why] = closed.exec(line) ?? [];
    const ended = all.find((each) => each.pid === Number(closedPid) && each.cid === Number(closedCid));
    if (ended !== undefined) Object.assign(ended, { client, end: why });
  }
  return all;
}
