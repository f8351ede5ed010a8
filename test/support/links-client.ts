/** Run by `links.ts` in the client's namespace: dials each row with each contender and prints the results. */
import { connect, type LookupFunction, type Socket, type TcpNetConnectOpts } from "node:net";
import { compose, type Lookup, tcp } from "../../src/index.ts";
import type { Contender, Result, Row } from "./links.ts";
import { openSockets, openTimers } from "./resources.ts";

const port = 4000;
/** An address that refuses connects after a round trip of 10 ms. */
const refusing = "10.99.3.1";
/** A round trip that takes longer was delayed by a pause of this process or of the relay. */
const maxRoundTripMs = 100;
/** Dials of one row, at most, until one is not disturbed by a pause. */
const maxTries = 20;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

type Dial = (row: Row, tried: string[], signal: AbortSignal) => Promise<Socket>;

const dialers: Readonly<Record<Contender, Dial>> = {
  tcp({ ips, aaaaAfterMs = 0, timeoutMs }, tried, signal) {
    const lookup: Lookup = (_host, { family }, callback) => {
      const answer = ips.filter((ip) => versionOf(ip) === family).map((address) => ({ address, family }));
      const timer = setTimeout(callback, family === 6 ? aaaaAfterMs : 0, null, answer);
      // An answer that is no longer awaited does not count as a leftover.
      if (family === 6) timer.unref();
    };
    const trace = { connectStart: ({ address }: { address: { address: string } }) => void tried.push(address.address) };
    return compose(tcp({ lookup, timeoutMs }))(`h:${port}`, { signal, trace });
  },

  /** With all options at their defaults. */
  net({ ips, aaaaAfterMs = 0 }, tried, signal) {
    const lookup: LookupFunction = (_host, _options, callback) => {
      const answer = ips.map((address) => ({ address, family: versionOf(address) }));
      // The system's lookup answers for both IP versions together.
      setTimeout(callback, aaaaAfterMs, null, answer);
    };
    return new Promise((resolve, reject) => {
      const options: TcpNetConnectOpts & { signal: AbortSignal } = { host: "h", port, lookup, signal };
      const socket = connect(options);
      socket.on("connectionAttempt", (ip) => tried.push(ip));
      socket.once("connect", () => resolve(socket));
      socket.once("error", reject);
    });
  },
};

function versionOf(ip: string): 4 | 6 {
  return ip.includes(":") ? 6 : 4;
}

/** Measures round trips, each with a wait of 20 ms; the returned function ends this and returns the longest, in milliseconds. */
function watchLinks(): () => Promise<number> {
  let watching = true;
  let longestMs = 0;
  const watch = async () => {
    while (watching) {
      const startedAt = performance.now();
      await new Promise((resolve) =>
        connect(port, refusing)
          .on("error", () => {})
          .on("close", resolve),
      );
      await pause(20);
      longestMs = Math.max(longestMs, performance.now() - startedAt);
    }
  };
  const watched = watch();
  return async () => {
    watching = false;
    await watched;
    return longestMs;
  };
}

/** Dials a row, and dials it again if a pause of this process or of the relay disturbed the race. */
async function playUndisturbed(dial: Dial, row: Row): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    const { roundTripMs, ...result } = await play(dial, row);
    if (roundTripMs < maxRoundTripMs || tries === maxTries) return result;
  }
}

/** Dials a row, and returns the longest round trip meanwhile. */
async function play(dial: Dial, row: Row): Promise<Result & { roundTripMs: number }> {
  const unwatch = watchLinks();
  const tried: string[] = [];
  const controller = new AbortController();
  const abort = row.abortAfterMs !== undefined && setTimeout(() => controller.abort(), row.abortAfterMs);
  const startedAt = performance.now();
  const [settled] = await Promise.allSettled([dial(row, tried, controller.signal)]);
  const ms = Math.round(performance.now() - startedAt);
  if (abort) clearTimeout(abort);
  let end: string;
  let error: string | undefined;
  if (settled.status === "fulfilled") {
    end = settled.value.remoteAddress ?? "closed";
    settled.value.destroy();
  } else {
    const { code, name, message } = settled.reason;
    end = name === "AbortError" ? name : (code ?? name);
    error = `${name}: ${message}`;
  }
  const roundTripMs = await unwatch();
  await pause(20);
  // The timer of this pause has fired, so any remaining resource is a leftover.
  const left = openSockets() + openTimers();
  return { end, ms, left, tried, roundTripMs, ...(error !== undefined && { error }) };
}

const results: Record<string, Record<string, Result>> = {};
for (const row of JSON.parse(process.argv[2] ?? "[]") as Row[]) {
  const result: Record<string, Result> = {};
  for (const [contender, dial] of Object.entries(dialers)) result[contender] = await playUndisturbed(dial, row);
  results[row.name] = result;
}
console.log(JSON.stringify(results));
