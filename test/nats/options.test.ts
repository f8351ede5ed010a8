import assert from "node:assert/strict";
import { once } from "node:events";
import { after, describe, test } from "node:test";
import { compose, type Dialer, dnsSrv, parseTarget, pool, tcp, withRetry } from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { natsMetrics } from "../../src/prometheus.ts";
import { connect, isV2, stockConnect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const anyConnect = connect as (...args: unknown[]) => Promise<{ close(): Promise<void> }>;

/** A dialer that fails at once and records its targets. */
function noting(): { dialer: Dialer; targets: string[] } {
  const targets: string[] = [];
  return {
    targets,
    dialer: async (target) => {
      targets.push(String(parseTarget(target)));
      throw Object.assign(new Error("no"), { code: "ECONNREFUSED" });
    },
  };
}

/** The targets that a connect dials. */
async function dialed(options: object): Promise<string[]> {
  const { dialer, targets } = noting();
  await assert.rejects(connect({ ...options, dialer, reconnect: false }), { reason: "refused" });
  return targets;
}

describe("connect accepts servers as text", () => {
  test("connect accepts one server as text", async () => {
    await using server = await startNats();
    const nc = await connect(server.address);
    assert.equal(nc.getServer(), server.address);
    await nc.close();
  });

  test("connect accepts several servers as text, with options", async () => {
    const { dialer, targets } = noting();
    const two = connect("nats://a:1,b:2", { dialer, reconnect: false, noRandomize: true });
    await assert.rejects(two, { name: "DialError" });
    assert.deepEqual(targets.slice(0, 2), ["a:1", "b:2"]);
  });

  test("connect accepts servers as text with connectInBackground", async () => {
    await using server = await startNats();
    const handle = await connect(server.address, { connectInBackground: true });
    await handle.ready;
    assert.equal(handle.isConnected, true);
    await handle.close();
  });

  for (const [what, args, message] of [
    ["servers given twice", ["a:1", { servers: "b:2" }], /^connect: servers are given twice/],
    ["a second argument that is not an object", ["a:1", "b:2"], /^connect: options must be an object, got "b:2"/],
    ["null for options", ["a:1", null], /^connect: options must be an object, got null/],
    [
      "options that come second",
      [{}, { timeout: 5 }],
      /^connect: the first argument must be servers if options are the second/,
    ],
    [
      "options that come second to none",
      [undefined, {}],
      /^connect: the first argument must be servers if options are the second/,
    ],
    ["an array of servers", [["a:1", "b:2"]], /^connect: options must be an object, got an array/],
    ["a number", [4222], /^connect: options must be an object, got 4222/],
    ["a URL", [new URL("nats://a:1")], /^connect: options must be an object, got a URL/],
    [
      "a signal",
      [AbortSignal.abort()],
      /^connect: options must be an object, got an AbortSignal; pass it as { signal }/,
    ],
    ["a dialer", [tcp()], /^connect: options must be an object, got a dialer/],
  ] as const) {
    test(`connect refuses ${what} as its first argument`, async () => {
      await assert.rejects(anyConnect(...args), { name: "TypeError", code: "ERR_INVALID_OPTION", message });
    });
  }
});

describe("an empty list of servers means the default, as in the client itself", () => {
  for (const servers of ["", [], undefined, null]) {
    test(`connect accepts servers: ${JSON.stringify(servers)}`, async () => {
      assert.deepEqual(new Set(await dialed({ servers })), new Set(["127.0.0.1:4222"]));
      assert.deepEqual(new Set(await dialed({ servers, port: 4333 })), new Set(["127.0.0.1:4333"]));
    });
  }
});

describe("an IPv6 address needs no brackets, as in the client itself", () => {
  for (const [servers, target] of [
    ["::1", "[::1]:4222"],
    [["::1"], "[::1]:4222"],
    ["[::1]:4333", "[::1]:4333"],
    ["fe80::1", "[fe80::1]:4222"],
  ] as const) {
    test(`connect accepts an IPv6 address as ${JSON.stringify(servers)}`, async () => {
      assert.deepEqual(new Set(await dialed({ servers })), new Set([target]));
    });
  }
});

describe("a misspelled option is refused before any dial", () => {
  for (const [wrong, meant] of [
    ["server", "servers"],
    ["dialler", "dialer"],
    ["maxReconnectAttempt", "maxReconnectAttempts"],
    ["max_reconnect_attempts", "maxReconnectAttempts"],
    ["timeoutMs", "timeout"],
    ["connectDeadline", "connectDeadlineMs"],
    ["Token", "token"],
    ["onDisconect", "onDisconnect"],
  ] as const) {
    test(`connect refuses the option ${wrong} and suggests ${meant}`, async () => {
      const { dialer, targets } = noting();
      await assert.rejects(connect({ dialer, [wrong]: "x" } as ConnectOptions), {
        name: "TypeError",
        message: `connect: unknown option ${wrong}; did you mean ${meant}?`,
      });
      assert.deepEqual(targets, []);
    });
  }

  test("connect refuses a misspelled option within tls", async () => {
    await assert.rejects(connect({ tls: { caFiles: "/ca.pem" } as object }), {
      message: "connect: tls: unknown option caFiles; did you mean caFile?",
    });
  });
});

test("an unknown option is passed to the client with one warning", async () => {
  const warnings: Error[] = [];
  const collect = (warning: Error) => void warnings.push(warning);
  process.on("warning", collect);
  try {
    const warned = once(process, "warning");
    for (let nth = 0; nth < 3; nth += 1) await dialed({ flushEverySunday: true });
    await warned;
    assert.deepEqual(
      warnings.map(({ message }) => message),
      ['connect: unknown option "flushEverySunday" is passed on to the NATS client as it is'],
    );
  } finally {
    process.off("warning", collect);
  }
  await using server = await startNats();
  const nc = await connect({ servers: server.address, flushEverySunday: 1 } as object);
  assert.equal((nc as unknown as { options: Record<string, unknown> }).options.flushEverySunday, 1);
  await nc.close();
});

describe("options of the client are checked by type", () => {
  const rows: Readonly<Record<string, readonly string[]>> = {
    "must be a number": ["maxPingOut", "maxReconnectAttempts", "port"],
    "must be true or false": [
      "debug",
      "ignoreAuthErrorAbort",
      "ignoreClusterUpdates",
      "noAsyncTraces",
      "noEcho",
      "noRandomize",
      "pedantic",
      "reconnect",
      "resolve",
      "verbose",
      "waitOnFirstConnect",
    ],
    "must be a string": ["name", "inboxPrefix", "user", "pass", "token"],
    "must be a function": [...(isV2 ? [] : ["reconnectToServer"]), "authenticator"],
    "must be options": ["tls"],
    "must be a number of milliseconds": [
      "timeout",
      "pingInterval",
      "reconnectTimeWait",
      "reconnectJitter",
      "reconnectJitterTLS",
    ],
  };
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    "must be a number": ["5", Number.NaN, true, null],
    "must be true or false": ["false", 0, null],
    "must be a string": [5, {}, null],
    "must be a function": ["f", {}, null],
    "must be options": [true, "tls", 5, []],
    "must be a number of milliseconds": ["5", Number.NaN, null, -5, Number.POSITIVE_INFINITY, 2 ** 31],
  };
  for (const [must, names] of Object.entries(rows)) {
    for (const name of names) {
      test(`connect: ${name} ${must}`, async () => {
        for (const value of wrong[must] ?? []) {
          const { dialer, targets } = noting();
          await assert.rejects(connect({ dialer, [name]: value } as ConnectOptions), (error: Error) => {
            // The rule of durations includes their range.
            assert.match(error.message, new RegExp(`^connect: ${name} must be `), JSON.stringify(value));
            return error instanceof TypeError || error instanceof RangeError;
          });
          assert.deepEqual(targets, []);
        }
      });
    }
  }

  test("the error for a secret of a wrong type does not show the value", async () => {
    for (const name of ["user", "pass", "token"]) {
      await assert.rejects(connect({ [name]: 76_543_210 } as object), {
        message: `connect: ${name} must be a string, got a number`,
      });
    }
  });

  test("connect accepts all options of the client's own connect", async () => {
    await using server = await startNats();
    const options = {
      servers: server.address,
      debug: false,
      maxPingOut: 2,
      maxReconnectAttempts: -1,
      name: "all",
      noEcho: false,
      noRandomize: true,
      pass: "p",
      pedantic: false,
      pingInterval: 10_000,
      reconnect: true,
      reconnectJitter: 0,
      reconnectJitterTLS: 0,
      reconnectTimeWait: 10,
      timeout: 5_000,
      tls: null,
      user: "u",
      verbose: false,
      waitOnFirstConnect: false,
      ignoreClusterUpdates: true,
      inboxPrefix: "_X",
      ignoreAuthErrorAbort: false,
      noAsyncTraces: true,
      resolve: false,
    };
    for (const each of [stockConnect, connect]) {
      const nc = await each({ ...options });
      await nc.close();
    }
  });
});

describe("the error for a value that is not a dialer suggests the fix", () => {
  for (const [what, dialer, message] of [
    ["the factory tcp", tcp, "connect: dialer must be a dialer, got the factory tcp; call it: tcp()"],
    ["the factory compose", compose, "connect: dialer must be a dialer, got the factory compose; call it: compose()"],
    [
      "a middleware",
      withRetry(),
      "connect: dialer must be a dialer, got a middleware; put it over a base dialer: compose(withRetry(), tcp())",
    ],
    ["a pool", pool({ dialer: tcp() }), "connect: dialer must be a function, got an object"],
    ["options", { timeoutMs: 5 }, "connect: dialer must be a function, got an object"],
  ] as const) {
    test(what, async () => {
      await assert.rejects(connect({ dialer: dialer as never }), { name: "TypeError", message });
    });
  }

  test("connect refuses an observer factory as trace", async () => {
    await assert.rejects(connect({ trace: natsMetrics as never }), {
      message: "connect: trace must be a function, got the factory natsMetrics; call it: natsMetrics()",
    });
    await assert.rejects(connect({ trace: [{}, dnsSrv as never] }), { message: /got the factory dnsSrv/ });
  });
});
