import { checkObservers } from "../core/check-hooks.ts";
import { callEach, type Observation, ObserverList } from "../core/observer-list.ts";
import type { OptionNames } from "../support/validate.ts";
import type { ClientCloseInfo, ClientState, ClientTrace, ClientTraceLike, ObservedClient } from "./client-trace.ts";

const hooks: OptionNames<ClientTrace> = {
  stateChange: true,
  connect: true,
  disconnect: true,
  reconnectAttempt: true,
  reconnect: true,
  serversChange: true,
  lameDuck: true,
  stale: true,
  forcedReconnect: true,
  slowConsumer: true,
  error: true,
  rtt: true,
  publishRejected: true,
  close: true,
  end: true,
};

const hookNames = Object.keys(hooks);

type Info<N extends keyof ClientTrace> = Parameters<NonNullable<ClientTrace[N]>>[0];

/**
 * The observers of one client, and its state. Observers may be attached and detached at any time: each receives the
 * state when it is attached, and its `end` hook is called exactly once.
 */
export class ClientEvents {
  readonly client: ObservedClient;
  #state: ClientState;
  readonly #observers = new ObserverList<ClientTrace, ObservedClient>("client", hookNames);

  constructor(client: ObservedClient, state: ClientState) {
    this.client = client;
    this.#state = state;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Attaches observers. Returns a function that detaches them. */
  observe(trace: ClientTraceLike): () => void {
    const added = this.#observers.add(trace, this.client);
    callEach(added, "stateChange", { state: this.#state, previous: undefined });
    return () => this.#remove(added);
  }

  emit<N extends keyof ClientTrace>(name: N, info: Info<N>): void {
    this.#observers.emit(name, info as never);
  }

  enter(state: ClientState): void {
    const previous = this.#state;
    if (previous === state || previous === "closed") return;
    this.#state = state;
    this.emit("stateChange", { state, previous });
  }

  /** Enters the state `closed` and detaches all observers. */
  close(error: unknown, lost?: Omit<ClientCloseInfo, "error">): void {
    if (this.#state === "closed") return;
    this.enter("closed");
    this.emit("close", { ...lost, ...(error !== undefined && { error }) });
    this.#remove(this.#observers.all);
  }

  #remove(gone: readonly Observation<ClientTrace>[]): void {
    callEach(this.#observers.remove(gone), "end", { state: this.#state });
  }
}

/** Throws a `TypeError` that names `option` unless it can observe clients. */
export function checkClientTrace(option: string, trace: unknown): asserts trace is ClientTraceLike {
  checkObservers(option, trace, hookNames, "clients");
}
