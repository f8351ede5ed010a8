import type {
  ClientConnectInfo,
  ClientState,
  ClientTrace,
  DisconnectInfo,
  ObservedClient,
  ReconnectAttemptInfo,
  RttInfo,
  StateChangeInfo,
} from "../client/client-trace.ts";
import { printable } from "../support/printable.ts";
import { guarded } from "../support/user-call.ts";
import type { ClientSummary } from "./snapshot.ts";

/** Hooks of one client, with its current state. */
export class WatchedClient implements ClientTrace {
  readonly #client: ObservedClient;
  readonly #id: number;
  readonly #name: string;
  readonly #ended: () => void;
  #state: ClientState = "connecting";
  #since = Date.now();
  #server: string | undefined;
  #serverVersion: string | undefined;
  #disconnects = 0;
  #reason: string | undefined;
  #disconnectedAt: number | undefined;
  #reconnects = 0;
  #reconnectAttempts = 0;
  #rttMs: number | undefined;

  constructor(client: ObservedClient, id: number, name: string, ended: () => void) {
    this.#client = client;
    this.#id = id;
    this.#name = name;
    this.#ended = ended;
  }

  stateChange({ state }: StateChangeInfo): void {
    this.#state = state;
    this.#since = Date.now();
    if (state === "connected") this.#reconnectAttempts = 0;
  }

  connect(info: ClientConnectInfo): void {
    const { version } = info.identity;
    this.#server = printable(info.server);
    this.#serverVersion = version === undefined ? undefined : printable(version);
  }

  disconnect({ reason }: DisconnectInfo): void {
    this.#disconnects += 1;
    this.#reason = reason;
    this.#disconnectedAt = Date.now();
  }

  reconnectAttempt({ attempt }: ReconnectAttemptInfo): void {
    this.#reconnectAttempts = attempt;
  }

  reconnect(info: ClientConnectInfo): void {
    this.#reconnects += 1;
    this.connect(info);
  }

  rtt({ durationMs }: RttInfo): void {
    this.#rttMs = durationMs;
  }

  end(): void {
    this.#ended();
  }

  summary(): ClientSummary {
    guarded("a client's refresh()", () => this.#client.refresh?.());
    const stats = guarded("a client's stats()", () => this.#client.stats());
    return {
      id: this.#id,
      name: this.#name,
      state: this.#state,
      since: this.#since,
      server: this.#server,
      serverVersion: this.#serverVersion,
      disconnects: this.#disconnects,
      reason: this.#reason,
      disconnectedAt: this.#disconnectedAt,
      reconnects: this.#reconnects,
      reconnectAttempts: this.#reconnectAttempts,
      rttMs: this.#rttMs,
      inMsgs: stats?.inMsgs ?? 0,
      outMsgs: stats?.outMsgs ?? 0,
      inBytes: stats?.inBytes ?? 0,
      outBytes: stats?.outBytes ?? 0,
    };
  }
}
