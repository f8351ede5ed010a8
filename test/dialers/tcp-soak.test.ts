import assert from "node:assert/strict";
import { getEventListeners, once, setMaxListeners } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { compose, type DialTrace, type Lookup, tcp, withTimeout } from "../../src/index.ts";
import { blackHole } from "../support/full-backlog.ts";
import { activeResources, openSockets, openTimers, until } from "../support/resources.ts";

const dials = Number(process.env.DIALTRACE_SOAK ?? 5000);
const atOnce = 50;

const hung = "127.0.0.1";
const alive = "127.0.0.2";
const refusing = "127.0.0.3";

/** A lookup whose answer is encoded in the name: `hung.alive` returns these two addresses in order. Other names fail with the name as the code. */
const lookup: Lookup = (host, { family }, callback) => {
  const known: Record<string, string> = { hung, alive, refusing, hung6: "::ffff:127.0.0.1" };
  const parts = host.split(".");
  const fail = (code: string) => callback(Object.assign(new Error(code), { code }), []);
  if (host === "unknown") return setImmediate(fail, "ENOTFOUND");
  if (host === "at-once") return fail("EAI_AGAIN");
  if (host === "throws") throw new Error("a broken lookup");
  if (host === "silent") return;
  const answer = parts.map((part) => ({ address: known[part] ?? "", family }));
  // IPv6 answers later, so that it sometimes misses the race.
  if (host.startsWith("late")) setTimeout(callback, family === 6 ? 3 : 0, null, answer.slice(1));
  else callback(null, answer);
};

const base = tcp({ lookup, connectionAttemptDelayMs: 10, resolutionDelayMs: 1, rememberWinner: true });
const bounded = tcp({ lookup, connectionAttemptDelayMs: 10, timeoutMs: 5 });
const within5ms = compose(withTimeout({ timeoutMs: 5 }), base);

type Dial = (port: number, signal: AbortSignal, trace: DialTrace) => Promise<Socket>;

/** Kinds of dials that fail or nearly fail; the last one always connects and has two losers. */
const ways: readonly Dial[] = [
  (port, signal, trace) => compose(base)(`refusing:${port}`, { signal, trace }),
  (port, signal, trace) => compose(base)(`${refusing}:${port}`, { signal, trace }),
  (_port, signal, trace) => compose(base)("unix:/missing/socket", { signal, trace }),
  (port, signal, trace) => compose(bounded)(`hung:${port}`, { signal, trace }),
  (port, signal, trace) => compose(bounded)(`hung.hung6.refusing:${port}`, { signal, trace }),
  (port, signal, trace) => within5ms(`hung.hung6:${port}`, { signal, trace }),
  (port, signal, trace) => within5ms(`${hung}:${port}`, { signal, trace }),
  (port, signal, trace) => within5ms(`silent:${port}`, { signal, trace }),
  (port, signal, trace) => compose(base)(`unknown:${port}`, { signal, trace }),
  (port, signal, trace) => compose(base)(`at-once:${port}`, { signal, trace }),
  (port, signal, trace) => compose(base)(`throws:${port}`, { signal, trace }),
  (port, signal, trace) => compose(base)(`hung.hung6:${port}`, { signal: AbortSignal.any([signal, soon(15)]), trace }),
  (port, signal, trace) =>
    compose(base)(`late.hung6.alive:${port}`, { signal: AbortSignal.any([signal, soon(2)]), trace }),
  // The abort and the connect happen at about the same time; either may win.
  (port, signal, trace) => compose(base)(`alive:${port}`, { signal: AbortSignal.any([signal, inTurns()]), trace }),
  (port, signal, trace) =>
    compose(base)(`alive.alive:${port}`, { signal: AbortSignal.any([signal, abortedBy(trace)]), trace }),
  (port, signal, trace) => compose(base)(`hung6.hung.alive.refusing:${port}`, { signal, trace }),
];

function soon(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

let turn = 0;
function inTurns(): AbortSignal {
  const controller = new AbortController();
  let left = turn++ % 5;
  const next = () => (left-- === 0 ? controller.abort() : setImmediate(next));
  next();
  return controller.signal;
}

/** Aborts in connectDone: too late for the connect, in time for the dial. */
function abortedBy(trace: DialTrace): AbortSignal {
  const controller = new AbortController();
  const { connectDone } = trace;
  trace.connectDone = (info) => {
    connectDone?.(info);
    controller.abort();
  };
  return controller.signal;
}

test(`tcp() leaves no socket, timer or listener after ${dials} dials with faults`, {
  skip: process.platform === "linux" ? false : "needs Linux: a full backlog",
  timeout: 110_000,
}, async (t) => {
  await using hole = await blackHole(hung);
  const accepted = new Set<Socket>();
  const server = createServer((socket) => {
    accepted.add(socket);
    socket.on("error", () => {}).on("close", () => accepted.delete(socket));
    socket.resume();
  });
  server.listen(hole.port, alive);
  await once(server, "listening");
  const before = activeResources();
  const [sockets, timers] = [openSockets(), openTimers()];

  // Shared by all dials, so that a leaked listener is detected.
  const { signal } = new AbortController();
  setMaxListeners(atOnce, signal);
  const counts = { resolved: 0, rejected: 0, starts: 0, dones: 0, canceled: 0 };
  let started = 0;
  const worker = async () => {
    while (started < dials) {
      const dial = ways[started++ % ways.length] as Dial;
      const trace: DialTrace = {
        connectStart: () => {
          counts.starts += 1;
        },
        connectDone: ({ outcome }) => {
          counts.dones += 1;
          if (outcome === "canceled") counts.canceled += 1;
        },
      };
      const [settled] = await Promise.allSettled([dial(hole.port, signal, trace)]);
      if (settled.status === "rejected") {
        counts.rejected += 1;
        continue;
      }
      counts.resolved += 1;
      assert.deepEqual(settled.value.eventNames(), ["end"], "listeners on a connection");
      settled.value.resetAndDestroy();
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  t.diagnostic(`${JSON.stringify(counts)} in ${seconds} s`);

  assert.equal(counts.resolved + counts.rejected, dials);
  assert.ok(counts.resolved >= Math.floor(dials / ways.length), "the last way always connects");
  assert.ok(counts.canceled > 0);
  assert.equal(counts.dones, counts.starts);
  assert.equal(getEventListeners(signal, "abort").length, 0);
  await until(
    () => openSockets() === sockets && openTimers() <= timers && accepted.size === 0,
    `resources are as before: ${JSON.stringify(before)}`,
  ).catch((error) =>
    assert.fail(`${error.message}; now ${JSON.stringify(activeResources())}, ${accepted.size} accepted`),
  );
  server.close();
});
