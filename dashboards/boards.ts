import { dialer } from "./boards/dialer.ts";
import { fleet } from "./boards/fleet.ts";
import { nats } from "./boards/nats.ts";
import { pool } from "./boards/pool.ts";
import { type Board, buildBoard } from "./parts/board.ts";

/** All dashboards. A new one is a file in `boards/` and an entry here. */
const boards: readonly Board[] = [fleet, dialer, pool, nats];

/** Returns the contents of the files in `grafana/`, by file name. */
export function renderBoards(): ReadonlyMap<string, string> {
  return new Map(
    boards.map((board) => {
      const file = `${board.uid.replace("dialtrace-", "")}.json`;
      return [file, `${JSON.stringify(buildBoard(board), null, 2)}\n`];
    }),
  );
}
