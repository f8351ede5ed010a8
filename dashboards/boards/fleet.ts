import { fleetNow } from "../panels/fleet-now.ts";
import { fleetOverTime } from "../panels/fleet-over-time.ts";
import { fleetWorst } from "../panels/fleet-worst.ts";
import type { Board } from "../parts/board.ts";

export const fleet: Board = {
  uid: "dialtrace-fleet",
  title: "dialtrace / Fleet",
  description: "All dialers and NATS clients at a glance, and the ones with problems.",
  metrics: "dialer_attempt_started_total|nats_client_connection_status",
  owner: "Dialer",
  rows: [
    { title: "Now", panels: fleetNow },
    { title: "Over time", panels: fleetOverTime },
    { title: "Worst ten", panels: fleetWorst },
  ],
};
