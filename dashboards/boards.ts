import { dialer } from "./boards/dialer.ts";
import { fleet } from "./boards/fleet.ts";
import { nats } from "./boards/nats.ts";
import { pool } from "./boards/pool.ts";
import { type Board, buildBoard } from "./parts/board.ts";

/** Every page. A new one is its file in `boards/` and its name here. */
const boards: readonly Board[] = [fleet, dialer, pool, nats];

/** What stands in the files of `grafana/`, by their names. */
export function renderBoards(): ReadonlyMap<string, string> {
  return new Map(
    boards.map((board) => {
      const file = `${board.uid.replace("dialtrace-", "")}.json`;
      return [file, `${JSON.stringify(buildBoard(board), null, 2)}\n`];
    }),
  );
}
