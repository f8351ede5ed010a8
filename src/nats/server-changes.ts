import { isIP, type Socket } from "node:net";
import type { ServerInfo } from "@nats-io/transport-node";
import { Target } from "../core/target.ts";
import type { Lifecycle } from "./lifecycle.ts";

/**
 * Emits which servers have joined or left a client's pool. Changes before the first connection are emitted right after
 * it. The server that sends an INFO is never reported as discovered.
 */
export class ServerChanges {
  readonly #lifecycle: Lifecycle;
  /** Changes before the first connection, by `host:port`. */
  readonly #early = new Map<string, "added" | "removed">();

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
  }

  /**
   * Emits a change of the pool, or records it before the first connection.
   *
   * @param itself - addresses of the server that has sent the INFO.
   */
  changed(added: readonly string[], removed: readonly string[], itself: ReadonlySet<string>): void {
    const others = added.filter((server) => !itself.has(server));
    if (this.#lifecycle.connectedOnce) this.#emit(others, removed);
    else {
      for (const server of others) this.#note(server, "added");
      for (const server of removed) this.#note(server, "removed");
    }
  }

  /** Emits the recorded changes. Called for each new connection. */
  connected(): void {
    const changed = (how: string) => [...this.#early].filter(([, each]) => each === how).map(([server]) => server);
    const [added, removed] = [changed("added"), changed("removed")];
    this.#early.clear();
    this.#emit(added, removed);
  }

  #note(server: string, how: "added" | "removed"): void {
    // A server that joined and left again is not a change.
    if (this.#early.has(server) && this.#early.get(server) !== how) this.#early.delete(server);
    else this.#early.set(server, how);
  }

  /** Called for every INFO; most contain no change. */
  #emit(added: readonly string[], removed: readonly string[]): void {
    if (added.length + removed.length > 0) this.#lifecycle.events.emit("serversChange", { added, removed });
  }
}

/** Addresses of the server that sent `info` over `socket`: its own statement and the socket's remote address. */
export function addressesOf(info: ServerInfo | undefined, socket: Socket | undefined): ReadonlySet<string> {
  const { host, port } = (info ?? {}) as { host?: unknown; port?: unknown };
  const addresses = new Set<string>();
  if (typeof host === "string" && typeof port === "number") addresses.add(new Target(host, port).toString());
  // A dual-stack socket shows IPv4 addresses as IPv6 addresses.
  const remote = socket?.remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/i, "");
  if (remote !== undefined && isIP(remote) && socket?.remotePort !== undefined) {
    addresses.add(new Target(remote, socket.remotePort).toString());
  }
  return addresses;
}
