import { describeLayer, withText } from "../engine/describe.ts";
import type { DialerDescription, WorstCase } from "../engine/description.ts";
import { drawn, shownCost } from "../engine/draw-stack.ts";
import { Layer, type LayerTraits, layerOf } from "../engine/layer-info.ts";
import { type Cost, type CostOf, product, within } from "../engine/worst-case.ts";
import type { Check } from "../support/open-options.ts";
import { checkedOptions, type Options, optionsOf } from "./checked-options.ts";
import type { NatsLibrary } from "./nats-library.ts";
import { defaultTimeoutMs } from "./protocol.ts";
import { reconnectDelay } from "./reconnect-delay.ts";

/** What `describe` returns for the options of `connect`. */
export interface ConnectDescription extends DialerDescription {
  /**
   * The most that the reconnects after one loss may cost, until the client closes: `attempts` are servers × reconnect
   * attempts per server × attempts of the dialer. Servers that the cluster announces, and waits after refused
   * credentials, are not included.
   */
  readonly worstCase: WorstCase;
  /** The most that the first connect may cost: each server once, unless it continues by `retryOnFailedConnect`. */
  readonly firstConnect: WorstCase;
}

/** The numbers of one client that its worst cases depend on. */
interface Plan {
  readonly servers: number;
  /** Reconnect attempts per server. */
  readonly rounds: number;
  /** Longest sum of the delays before that many attempts, in milliseconds. */
  readonly delaysMs: (attempts: number) => number;
}

/** Returns the `describe` of a client library. */
export function describeWith(library: NatsLibrary, checks: Readonly<Record<string, Check>>) {
  return function describe(first: string | Options | null = {}, second?: Options): ConnectDescription {
    const options = optionsOf(first, second);
    const { dialer, connectDeadlineMs, retryOnFailedConnect, servers } = checkedOptions(library, checks, options);
    const plan = { servers: servers.length, rounds: roundsOf(options), delaysMs: delaysOf(options) };

    const timeout = timeoutLayer(options.timeout || defaultTimeoutMs, layerOf(dialer));
    const addresses = servers.map(({ address }) => address);
    const outermost = new Layer(connectTraits(options, addresses, plan), "middleware", [timeout]);
    const { stack, worstCase, warnings } = describeLayer(outermost, false);
    const once = describeLayer(timeout, false).worstCase;
    const continues = retryOnFailedConnect || options.waitOnFirstConnect === true;
    const firstConnect = within(
      times(once, continues ? Number.POSITIVE_INFINITY : plan.servers),
      connectDeadlineMs ?? Number.POSITIVE_INFINITY,
    );
    const firstCost = { timeMs: firstConnect.timeMs, attempts: firstConnect.attempts };
    const factors = `${plan.servers} servers × ${plan.rounds} reconnect attempts × ${once.attempts} of the dialer`;
    const lines = [`first connect: ${shownCost(firstCost)}`, `after a loss: ${shownCost(worstCase)} (${factors})`];
    const description = { stack, worstCase, firstConnect: firstCost, warnings };
    return withText(description, () => drawn(stack, lines, warnings));
  };
}

function connectTraits(options: Options, servers: readonly string[], plan: Plan): LayerTraits {
  const { name, connectDeadlineMs, retryOnFailedConnect, connectInBackground } = options;
  return {
    factory: "connect",
    retries: true,
    options: () => ({
      name,
      servers,
      maxReconnectAttempts: plan.rounds,
      connectDeadlineMs,
      retryOnFailedConnect,
      connectInBackground,
    }),
    worstCase: (beneath: CostOf, withinMs: number) => reconnectCost(plan, beneath(withinMs)),
  };
}

/** The client's `timeout`, which limits the dial of each server. */
function timeoutLayer(timeoutMs: number, dialer: Layer): Layer {
  const traits: LayerTraits = {
    factory: "timeout",
    bounds: true,
    timeout: { option: "timeout", ms: timeoutMs },
    options: () => ({ timeoutMs }),
    worstCase: (beneath, withinMs) => within(beneath(Math.min(timeoutMs, withinMs)), timeoutMs),
  };
  return new Layer(traits, "middleware", [dialer]);
}

function reconnectCost({ servers, rounds, delaysMs }: Plan, once: Cost): Cost {
  const attempts = product(servers, rounds);
  const { timeMs, attempts: made } = times(once, attempts);
  return { timeMs: timeMs + delaysMs(attempts), attempts: made };
}

function times({ timeMs, attempts }: WorstCase, count: number): Cost {
  return { timeMs: product(timeMs, count), attempts: product(attempts, count) };
}

/** Reconnect attempts per server, as the dial loop counts them. */
function roundsOf(options: Options): number {
  if (options.reconnect === false) return 0;
  const { maxReconnectAttempts = 0 } = { maxReconnectAttempts: 60, ...options };
  return maxReconnectAttempts === -1 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(maxReconnectAttempts));
}

/** Delays that are added up one by one; later ones are as long as the last of them. */
const maxComputed = 1_000;

/** Returns a function that adds up the longest delays. */
function delaysOf(options: Options): Plan["delaysMs"] {
  const longest = reconnectDelay(options, () => 1);
  return (attempts) => {
    if (attempts === 0) return 0;
    if (options.reconnectDelayHandler !== undefined) return Number.POSITIVE_INFINITY;
    let sum = 0;
    let delayMs = 0;
    for (let attempt = 1; attempt <= Math.min(attempts, maxComputed); attempt += 1) {
      delayMs = longest(attempt, undefined, 0);
      sum += delayMs;
    }
    return sum + product(delayMs, Math.max(0, attempts - maxComputed));
  };
}
