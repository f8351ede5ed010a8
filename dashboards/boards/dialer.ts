import { dialerConnections } from "../panels/dialer-connections.ts";
import { dialerDials } from "../panels/dialer-dials.ts";
import { dialerFailures } from "../panels/dialer-failures.ts";
import { dialerGuards } from "../panels/dialer-guards.ts";
import { dialerTime } from "../panels/dialer-time.ts";
import type { Board } from "../parts/board.ts";

export const dialer: Board = {
  uid: "dialtrace-dialer",
  title: "dialtrace / Dialer",
  description: "One or more dialers: rate, errors and duration of their dials, and their connections.",
  metrics: "dialer_attempt_started_total",
  owner: "Dialer",
  rows: [
    {
      title: "$dialer_name",
      repeat: "dialer_name",
      panels: [...dialerDials, ...dialerFailures, ...dialerTime, ...dialerConnections, ...dialerGuards],
    },
  ],
};
