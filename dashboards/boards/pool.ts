import { poolAcquires } from "../panels/pool-acquires.ts";
import { poolTurnover } from "../panels/pool-turnover.ts";
import { poolUse } from "../panels/pool-use.ts";
import { poolWaits } from "../panels/pool-waits.ts";
import type { Board } from "../parts/board.ts";

export const pool: Board = {
  uid: "dialtrace-pool",
  title: "dialtrace / Pool",
  description: "One or more pools: use, waits, acquires, and turnover of connections.",
  metrics: "dialer_pool_limit",
  owner: "Pool",
  rows: [
    {
      title: "$dialer_name",
      repeat: "dialer_name",
      panels: [...poolUse, ...poolWaits, ...poolAcquires, ...poolTurnover],
    },
  ],
};
