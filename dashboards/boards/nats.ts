import { natsOutages } from "../panels/nats-outages.ts";
import { natsServers } from "../panels/nats-servers.ts";
import { natsState } from "../panels/nats-state.ts";
import { natsTraffic } from "../panels/nats-traffic.ts";
import type { Board } from "../parts/board.ts";

export const nats: Board = {
  uid: "dialtrace-nats",
  title: "dialtrace / NATS",
  description: "NATS clients: connection state, outages and their reasons, servers, and traffic.",
  metrics: "nats_client_connection_status",
  owner: "Client",
  rows: [
    { title: "State", panels: natsState },
    { title: "Outages", panels: natsOutages },
    { title: "Servers", panels: natsServers },
    { title: "Traffic", panels: natsTraffic },
  ],
};
