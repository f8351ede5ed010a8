import { isIP, type Socket } from "node:net";
import type { ServerInfo } from "@nats-io/transport-node";
import { Target } from "../core/target.ts";
import type { Lifecycle } from "./lifecycle.ts";

/**
 * Tells the observers of a client which servers have joined or left its pool. What an INFO has said before the first
 * connection stands is told right after it. The server that sends the INFO is not told of as discovered.
 */
export class ServerChanges {
  readonly #lifecycle: Lifecycle;
  /** By `host:port`, until the first connection stands: whether it has joined or left. */
  readonly #early = new Map<string, "added" | "removed">();

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
  }

  /** @param itself - addresses of the server that has sent the INFO. */
  changed(added: readonly string[], removed: readonly string[], itself: ReadonlySet<string>): void {
    const others = added.filter((server) => !itself.has(server));
    if (this.#lifecycle.connectedOnce) this.#emit(others, removed);
    else {
      for (const server of others) this.#note(server, "added");
      for (const server of removed) this.#note(server, "removed");
    }
  }

  /** A connection stands. */
  connected(): void {
    const changed = (how: string) => [...this.#early].filter(([, each]) => each === how).map(([server]) => server);
    const [added, removed] = [changed("added"), changed("removed")];
    this.#early.clear();
    this.#emit(added, removed);
  }

  #note(server: string, how: "added" | "removed"): void {
    // One that came and went again is no change.
    if (this.#early.has(server) && this.#early.get(server) !== how) this.#early.delete(server);
    else this.#early.set(server, how);
  }

  /** Every INFO comes here, most without a change. */
  #emit(added: readonly string[], removed: readonly string[]): void {
    if (added.length + removed.length > 0) this.#lifecycle.events.emit("serversChange", { added, removed });
  }
}

/** The addresses by which the server that sent `info` over `socket` can be known: as it says, and as it was reached. */
export function addressesOf(info: ServerInfo | undefined, socket: Socket | undefined): ReadonlySet<string> {
  const { host, port } = (info ?? {}) as { host?: unknown; port?: unknown };
  const addresses = new Set<string>();
  if (typeof host === "string" && typeof port === "number") addresses.add(new Target(host, port).toString());
  // A socket for both families has IPv4 addresses in the form of IPv6.
  const remote = socket?.remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/i, "");
  if (remote !== undefined && isIP(remote) && socket?.remotePort !== undefined) {
    addresses.add(new Target(remote, socket.remotePort).toString());
  }
  return addresses;
}
