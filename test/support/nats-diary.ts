import { DialError } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";

/** Minimum wait in milliseconds after a refusal, less the amount by which timers may be early. */
export const minWaitMs = 1_990;

/** Returns callbacks that record a client's events as lines, and the times of its refusals. */
export function diary() {
  const lines: string[] = [];
  const refusals: number[] = [];
  const callbacks: Pick<ConnectOptions, "onDisconnect" | "onReconnect" | "onClosed" | "onError"> = {
    onDisconnect: ({ reason }) => lines.push(`lost: ${reason}`),
    onReconnect: () => lines.push("back"),
    onClosed: ({ error }) => lines.push(`closed: ${error instanceof DialError ? error.reason : error}`),
    onError: ({ kind }) => kind === "auth" && refusals.push(performance.now()),
  };
  return { lines, refusals, callbacks };
}
