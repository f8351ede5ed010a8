import assert from "node:assert/strict";
import { test } from "node:test";
import { Target } from "../../src/core/target.ts";
import { compose, httpProxy, type Lookup, socksProxy, tcp, withTimeout, withTrace } from "../../src/index.ts";
import { goodPeer, peer } from "../support/peers.ts";

const broken = {
  get address(): string {
    throw new Error("the getter threw");
  },
  family: 4,
};

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

function errorWithGetters(): Error {
  const error = new Error("x");
  for (const name of ["message", "cause", "name", "code"]) {
    Object.defineProperty(error, name, {
      get() {
        throw new Error(`${name} threw`);
      },
    });
  }
  return error;
}

const answers: Readonly<Record<string, (done: (error: unknown, found?: unknown) => void) => unknown>> = {
  "promises an entry whose getter throws": async () => [broken],
  "calls back with an entry whose getter throws": (done) => setImmediate(() => done(null, [broken])),
  "calls back with a revoked proxy": (done) => setImmediate(() => done(null, revoked)),
  "promises a revoked proxy": async () => [revoked],
  "calls back with an error whose getters throw": (done) => setImmediate(() => done(errorWithGetters())),
  "throws an error whose getters throw": () => {
    throw errorWithGetters();
  },
  "throws a revoked proxy": () => {
    throw revoked;
  },
};

for (const [what, answer] of Object.entries(answers)) {
  test(`tcp fails the dial at once when its lookup ${what}`, async () => {
    const lookup = ((_host: string, _options: object, done: never) => answer(done)) as unknown as Lookup;
    const dial = compose(withTimeout({ timeoutMs: 60_000 }), tcp({ lookup }));
    await assert.rejects(dial("db.test:1"), { name: "DialError", reason: /^(?!timeout)/ });
  });
}

test("tcp accepts an array that its lookup returns without a promise", async () => {
  await using server = await goodPeer();
  const lookup = (() => [{ address: "127.0.0.1", family: 4 }]) as unknown as Lookup;
  const socket = await compose(withTimeout({ timeoutMs: 60_000 }), tcp({ lookup }))(`db.test:${server.port}`);
  socket.destroy();
});

for (const [what, thrown] of Object.entries({
  "with getters that throw": errorWithGetters(),
  "that is a revoked proxy": revoked,
})) {
  test(`an attempt that fails with an error ${what} calls attemptDone and dialDone`, async () => {
    const told: string[] = [];
    const dial = compose(
      withTrace({ attemptDone: ({ outcome }) => void told.push(outcome), dialDone: () => void told.push("dial") }),
      () => Promise.reject(thrown),
    );
    await assert.rejects(dial("db.test:1"), { name: "DialError", reason: "_OTHER" });
    assert.deepEqual(told, ["failure", "dial"]);
  });
}

test("a target that cannot be converted to a string is refused with the reason config", async () => {
  for (const target of [{ host: Symbol("s"), port: 1 }, { path: Object.create(null) }, Object.create(null)]) {
    await assert.rejects(compose(tcp())(target as never), { code: "ERR_INVALID_TARGET", reason: "config" });
  }
});

test("proxies get no request for a Target that was not parsed and has an invalid host or port", async () => {
  const asked: string[] = [];
  await using proxy = await peer((socket) => {
    socket.on("data", (bytes) => {
      if (bytes[0] === 5) socket.write(Buffer.from([5, 0]));
      if (bytes[0] !== 5 || bytes.length > 4) asked.push(bytes.toString("latin1"));
    });
  });
  const http = compose(withTimeout({ timeoutMs: 60_000 }), httpProxy({ proxy: `http://${proxy.address}` }));
  const socks = compose(withTimeout({ timeoutMs: 60_000 }), socksProxy({ proxy: `socks5h://${proxy.address}` }));
  await assert.rejects(http(new Target("a:1 HTTP/1.1\r\nX-Evil: y", 1)), { reason: "config" });
  await assert.rejects(socks(new Target("a", 70_000)), { reason: "config" });
  assert.deepEqual(asked, []);
});
