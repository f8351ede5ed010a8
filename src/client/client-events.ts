import { checkObservers, warnOfHooks } from "../core/check-hooks.ts";
import { callHook, returnedHooks } from "../core/hooks.ts";
import { addPlace, type Place, placeOf } from "../support/observed-places.ts";
import { guarded } from "../support/user-call.ts";
import type { OptionNames } from "../support/validate.ts";
import type { ClientObserver, ClientState, ClientTrace, ClientTraceLike, ObservedClient } from "./client-trace.ts";

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
 * Emits the events of one client to its observers and holds the state of the client. Observers may be attached and
 * detached at any time: each gets the current state when attached, and exactly one end event.
 */
export class ClientEvents {
  readonly client: ObservedClient;
  #state: ClientState;
  #hooks: readonly ClientTrace[] = [];
  /** Places where observers in {@link #hooks} put their data. */
  readonly #places = new Map<ClientTrace, Place>();

  constructor(client: ObservedClient, state: ClientState) {
    this.client = client;
    this.#state = state;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Attaches observers. Returns a function that detaches them. */
  observe(trace: ClientTraceLike): () => void {
    const added = listOf(trace).flatMap((each) => this.#hooksFor(each) ?? []);
    this.#hooks = [...this.#hooks, ...added];
    for (const hooks of added) callHook(hooks, "stateChange", { state: this.#state, previous: undefined });
    return () => this.#remove(added);
  }

  emit<N extends keyof ClientTrace>(name: N, info: Info<N>): void {
    for (const hooks of this.#hooks) callHook(hooks, name, info as never);
  }

  enter(state: ClientState): void {
    const previous = this.#state;
    if (previous === state || previous === "closed") return;
    this.#state = state;
    this.emit("stateChange", { state, previous });
  }

  /** Ends all observations because the client is closed. */
  close(error: unknown): void {
    if (this.#state === "closed") return;
    this.enter("closed");
    this.emit("close", error === undefined ? {} : { error });
    this.#remove(this.#hooks);
  }

  #remove(gone: readonly ClientTrace[]): void {
    const leaving = this.#hooks.filter((hooks) => gone.includes(hooks));
    this.#hooks = this.#hooks.filter((hooks) => !gone.includes(hooks));
    for (const hooks of leaving) {
      this.#places.delete(hooks);
      callHook(hooks, "end", { state: this.#state });
    }
  }

  #hooksFor(trace: ClientTrace | ClientObserver): ClientTrace | undefined {
    const hooks = hooksFor(trace, this.client);
    const place = placeOf(trace);
    if (hooks === undefined || place === undefined) return hooks;
    addPlace(place, [...this.#places.values()], "client");
    this.#places.set(hooks, place);
    return hooks;
  }
}

/** Throws a `TypeError` that names `option` unless it can observe clients. */
export function checkClientTrace(option: string, trace: unknown): asserts trace is ClientTraceLike {
  checkObservers(option, trace, hookNames, "clients");
}

function listOf(trace: ClientTraceLike): readonly (ClientTrace | ClientObserver)[] {
  return Array.isArray(trace) ? trace : [trace as ClientTrace | ClientObserver];
}

function hooksFor(trace: ClientTrace | ClientObserver, client: ObservedClient): ClientTrace | undefined {
  // A copy, so that hooks attached twice are two observers, which are detached separately.
  if (typeof trace !== "function") return Object.create(trace) as ClientTrace;
  const what = "an observer of clients";
  const hooks = guarded(what, () => returnedHooks(what, trace(client)));
  warnOfHooks(what, hooks, hookNames);
  return hooks;
}
