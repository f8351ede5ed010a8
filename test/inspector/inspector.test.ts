// Longer than other files: all tests share one set of helpers for snapshots.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import {
  compose,
  type Dialer,
  type DialOptions,
  describe as describeDialer,
  type Middleware,
  pool,
  tcp,
  tls,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { type DialerSummary, type Inspector, inspector } from "../../src/inspector.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { collectGarbage } from "../support/collect.ts";
import { connection } from "../support/contract.ts";
import { freePort, goodPeer, resettingPeer, silentPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { playClient, playedDialer } from "./scene.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:5432"), { code: "ECONNREFUSED" });

const only = (page: Inspector): DialerSummary => page.snapshot().dialers[0] as DialerSummary;
const retry = withRetry({ maxAttempts: 2, initialBackoffMs: 1, jitter: "none" });

describe("inspector", () => {
  it("inspector shows the whole stack of each dialer as describe prints it, with the layers above the page's", () => {
    const page = inspector();
    const observer = page.observe({ name: "orders" });
    const inner = compose(observer, retry, tcp());
    assert.deepEqual(only(page).stacks, [
      { text: String(describeDialer(inner)), warnings: describeDialer(inner).warnings },
    ]);
    assert.equal(only(page).stacks[0]?.warnings.length, 1);

    const outer = compose(withTimeout({ timeoutMs: 1000 }), inner);
    const other = pool({ dialer: compose(observer, tcp()) });
    assert.deepEqual(
      only(page).stacks.map(({ text }) => text),
      [outer, other].map((each) => String(describeDialer(each))),
    );
  });

  it("inspector keeps the layers of at most 4 dialers with one name", () => {
    const page = inspector();
    const observer = page.observe();
    for (let timeoutMs = 1; timeoutMs <= 100; timeoutMs += 1) compose(observer, withTimeout({ timeoutMs }), tcp());
    const shown = only(page).stacks.map(({ text }) => /timeoutMs: (\d+)/.exec(text)?.[1]);
    assert.deepEqual(shown, ["97", "98", "99", "100"]);
  });

  it("inspector counts dials and attempts, and failures by reason", async () => {
    const page = inspector();
    const controller = new AbortController();
    const dial = (...layers: [...Middleware[], Dialer<Duplex>]) => compose(page.observe({ name: "orders" }), ...layers);
    await dial(retry, scriptedDialer([refused, "connect"]))("db:5432");
    await assert.rejects(dial(retry, scriptedDialer([refused]))("db:5432"));
    await assert.rejects(dial(withTimeout({ timeoutMs: 5 }), scriptedDialer(["hang"]))("db:5432"));
    const canceled = dial(scriptedDialer(["hang"]))("db:5432", { signal: controller.signal });
    const running = dial(scriptedDialer(["hang"]))("db:5432", { signal: controller.signal });
    assert.equal(only(page).dials.active, 2);
    controller.abort();
    await Promise.allSettled([canceled, running]);
    const { name, dials, attempts, connections, failures, lately } = only(page);
    assert.equal(name, "orders");
    assert.deepEqual(dials, { active: 0, succeeded: 1, failed: 2, canceled: 2 });
    assert.deepEqual(attempts, { started: 7, active: 0, established: 1, failed: 4, canceled: 2 });
    assert.deepEqual(connections, { open: 1, idle: 0, closed: 0 });
    assert.deepEqual(failures, { refused: 1, timeout: 1 });
    assert.equal(lately.succeeded.length, 60);
    const sum = (counts: readonly number[]) => counts.reduce((total, each) => total + each, 0);
    assert.deepEqual([sum(lately.succeeded), sum(lately.failed)], [1, 2]);
  });

  it("inspector shows an open connection with its current bytes", async () => {
    await using server = await goodPeer();
    const page = inspector();
    const conn = await compose(page.observe(), tcp())(server.address);
    const [dial] = page.snapshot().dials;
    const { total, shown } = page.snapshot().connections;
    assert.equal(total, 1);
    const { id, openedAt, ...open } = shown[0] ?? assert.fail("no connection");
    assert.ok(Math.abs(openedAt - Date.now()) < 60_000);
    assert.deepEqual(open, {
      dialer: "default",
      dial: dial?.id,
      target: server.address,
      peer: server.address,
      state: "open",
      bytesRead: 0,
      bytesWritten: 0,
      tls: undefined,
    });
    conn.write("hello");
    const [written] = [only(page).bytesWritten];
    assert.equal(written, 5);
    conn.end();
    await until(() => page.snapshot().connections.shown[0]?.state !== "open", "the end of one side");
    await once(conn.resume(), "close");
    assert.equal(page.snapshot().connections.total, 0);
    assert.deepEqual(only(page).connections, { open: 0, idle: 0, closed: 1 });
    assert.equal(only(page).bytesWritten, 5);
    const { closed } = page.snapshot().dials[0] ?? {};
    assert.equal(closed?.bytesWritten, 5);
    assert.equal(closed?.reason, "local");
  });

  it("inspector shows each dial with its phases", async () => {
    const page = inspector();
    const port = await freePort();
    await assert.rejects(compose(page.observe(), retry, tcp())(`127.0.0.1:${port}`));
    const [dial] = page.snapshot().dials;
    assert.ok(dial);
    assert.equal(dial.outcome, "failure");
    assert.equal(dial.reason, "refused");
    assert.match(dial.message ?? "", /failed after 2 attempts: connect ECONNREFUSED/);
    assert.deepEqual(
      dial.phases.map(({ phase, attempt, outcome, reason, subject }) => [phase, attempt, outcome, reason, subject]),
      [
        ["attempt", 1, "failure", "refused", undefined],
        ["connect", 1, "failure", "refused", `127.0.0.1:${port}`],
        ["wait", 1, "success", "refused", undefined],
        ["attempt", 2, "failure", "refused", undefined],
        ["connect", 2, "failure", "refused", `127.0.0.1:${port}`],
      ],
    );
  });

  it("inspector shows dials in progress", async () => {
    await using server = await silentPeer();
    const page = inspector();
    const controller = new AbortController();
    const dialing = compose(page.observe(), tls())(server.address, { signal: controller.signal });
    const latest = () => page.snapshot().dials[0]?.phases.at(-1);
    await until(() => latest()?.phase === "tls", "the handshake to begin");
    assert.equal(latest()?.outcome, undefined);
    assert.equal(latest()?.durationMs, undefined);
    assert.equal(page.snapshot().dials[0]?.outcome, undefined);
    controller.abort();
    await assert.rejects(dialing);
    assert.equal(latest()?.outcome, "canceled");
  });

  it("inspector remembers failures separately from successes", async () => {
    const page = inspector({ recentDials: 5, recentFailures: 2 });
    const good = compose(page.observe(), scriptedDialer());
    const bad = compose(page.observe(), scriptedDialer([refused]));
    for (let index = 0; index < 4; index += 1) await assert.rejects(bad(`bad:${index + 1}`));
    for (let index = 0; index < 20; index += 1) (await good(`good:${index + 1}`)).destroy();
    assert.deepEqual(
      page.snapshot().dials.map(({ target }) => target),
      ["good:20", "good:19", "good:18", "good:17", "good:16", "bad:4", "bad:3"],
    );
    assert.deepEqual(only(page).dials, { active: 0, succeeded: 20, failed: 4, canceled: 0 });
  });

  it("inspector remembers no dials if the limits are 0", async () => {
    const page = inspector({ recentDials: 0, recentFailures: 0 });
    (await compose(page.observe(), scriptedDialer())("h:1")).destroy();
    await assert.rejects(compose(page.observe(), scriptedDialer([refused]))("h:1"));
    assert.deepEqual(page.snapshot().dials, []);
    assert.deepEqual(only(page).dials, { active: 0, succeeded: 1, failed: 1, canceled: 0 });
  });

  it("inspector keeps no reference to a closed connection", async () => {
    const page = inspector();
    const conns: WeakRef<Duplex>[] = [];
    // Unlike the scripted dialer, this one keeps no reference to its connections.
    const base: Dialer<Duplex> = async () => {
      const conn = connection();
      conns.push(new WeakRef(conn));
      return conn;
    };
    for (let index = 0; index < 20; index += 1) (await compose(page.observe(), base)("h:1")).destroy();
    await until(() => {
      collectGarbage();
      return conns.every((each) => each.deref() === undefined);
    }, "the connections to be collected");
    assert.equal(page.snapshot().dials.length, 20);
  });

  it("inspector shows a pool's idle connections", async () => {
    const page = inspector();
    await using connections = pool<Duplex>({ dialer: compose(page.observe(), async () => connection()) });
    const states = () => page.snapshot().connections.shown.map(({ state }) => state);
    const [first, second] = [await connections.acquire("db:1"), await connections.acquire("db:1")];
    assert.deepEqual(states(), ["open", "open"]);
    first.release();
    second.release();
    assert.deepEqual(states(), ["idle", "idle"]);
    const again = await connections.acquire("db:1");
    assert.deepEqual(states().sort(), ["idle", "open"]);
    again.release(new Error("broken"));
    assert.deepEqual(states(), ["idle"]);
  });

  it("inspector uses 1 to 3 kB for a remembered dial, and at most 20 kB", async () => {
    const bytesOf = async (dials: number, dial: () => Promise<unknown>) => {
      await dial();
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      for (let index = 0; index < dials; index += 1) await dial();
      collectGarbage();
      return (process.memoryUsage().heapUsed - before) / dials;
    };
    const page = inspector({ recentDials: 10_000, recentFailures: 10_000 });
    const usual = playedDialer(
      [
        [
          { dns: "db", addresses: ["10.0.0.1"], ms: 0 },
          { connect: "10.0.0.1:1", ms: 0 },
          { tls: "db", ms: 0 },
        ],
      ],
      connection,
    );
    const quick = compose(page.observe(), usual);
    const one = await bytesOf(1000, async () => (await quick("db.internal:5432")).destroy());
    assert.ok(one > 1_000 && one < 3_000, `${one} bytes for a usual dial`);
    const endless = withRetry({ maxAttempts: 120, backoff: () => 0 });
    const failing = compose(page.observe(), endless, async () => {
      throw new Error("x".repeat(1_000));
    });
    // Compiled code and caches count once, so that few dials would carry a large share of them.
    const fail = () => failing("db.internal:5432").catch(() => {});
    const most = (await bytesOf(10, () => Promise.all(Array.from({ length: 25 }, fail)))) / 25;
    assert.ok(most < 20_000, `${most} bytes for the longest dial`);
  });

  it("inspector groups dialers by name and limits the number of names", async () => {
    const page = inspector();
    for (const name of ["a", "b", "a"]) (await compose(page.observe({ name }), scriptedDialer())("h:1")).destroy();
    assert.deepEqual(
      page.snapshot().dialers.map(({ name, dials }) => [name, dials.succeeded]),
      [
        ["a", 2],
        ["b", 1],
      ],
    );
    for (let index = 0; index < 1000; index += 1) {
      compose(page.observe({ name: `request ${index}` }), scriptedDialer());
    }
    const names = page.snapshot().dialers.map(({ name }) => name);
    assert.equal(names.length, 101);
    assert.equal(names.at(-1), "_OTHER");
  });

  it("inspector shows a dialer from its composition on, and no observer that is not composed", async () => {
    const page = inspector();
    page.observe({ name: "unused" });
    compose(page.observe({ name: "composed" }), scriptedDialer());
    assert.deepEqual(
      page.snapshot().dialers.map(({ name, dials }) => [name, dials.succeeded]),
      [["composed", 0]],
    );
  });

  it("inspector limits the size of a snapshot", async () => {
    const page = inspector({ recentDials: 0 });
    const dial = compose(page.observe(), scriptedDialer());
    for (let index = 0; index < 600; index += 1) await dial("h:1");
    const controller = new AbortController();
    const hanging = compose(page.observe(), scriptedDialer(["hang"]));
    const all = Array.from({ length: 300 }, () => hanging("h:2", { signal: controller.signal }));
    const { connections, dials } = page.snapshot();
    assert.equal(connections.total, 600);
    assert.equal(connections.shown.length, 500);
    assert.equal(dials.length, 200);
    controller.abort();
    await Promise.allSettled(all);
    assert.equal(only(page).dials.active, 0);
  });

  it("inspector counts each connection once, even if a layer discards one and dials again", async () => {
    const page = inspector();
    let made = 0;
    const picky: Middleware = (next) => async (target, options) => {
      const conn = await next(target, options);
      made += 1;
      if (made > 1) return conn;
      const second = await next(target, options);
      conn.destroy();
      return second;
    };
    const conn = await compose(page.observe(), picky, scriptedDialer())("h:1");
    assert.deepEqual(only(page).connections, { open: 1, idle: 0, closed: 1 });
    conn.destroy();
    await until(() => only(page).connections.closed === 2, "the second close");
    assert.equal(page.snapshot().connections.total, 0);
  });

  it("inspector survives connections without byte counters or with getters that throw", async () => {
    const page = inspector();
    const odd = () =>
      Object.assign(connection(), {
        getProtocol() {
          throw new Error("not now");
        },
      });
    await compose(page.observe(), async () => odd())("h:1");
    const [shown] = page.snapshot().connections.shown;
    assert.equal(shown?.peer, undefined);
    assert.equal(shown?.bytesRead, 0);
    assert.equal(shown?.tls, undefined);
  });

  it("inspector reads byte counters only for a snapshot", async () => {
    let reads = 0;
    class Counting extends Duplex {
      override _read() {}
      get bytesRead() {
        reads += 1;
        return 7;
      }
    }
    const page = inspector();
    await compose(page.observe(), async () => new Counting())("h:1");
    assert.equal(reads, 0);
    assert.equal(only(page).bytesRead, 7);
    assert.ok(reads > 0);
  });

  it("inspector uses the dial's clock", async () => {
    const clock = fakeClock();
    const page = inspector();
    const dialing = compose(
      page.observe(),
      withRetry({ backoff: () => 500 }),
      scriptedDialer([refused, "connect"]),
    )("h:1", {
      clock,
    });
    await clock.advance(500);
    (await dialing).destroy();
    assert.equal(page.snapshot().dials[0]?.durationMs, 500);
  });

  it("inspector agrees with the servers' counts after faulty and canceled dials", async () => {
    await using good = await goodPeer();
    await using silent = await silentPeer();
    await using resetting = await resettingPeer();
    const page = inspector();
    const closed = `127.0.0.1:${await freePort()}`;
    const handshake: DialOptions["handshake"] = async (conn) => {
      if (conn.remotePort === good.port) return conn;
      await once(conn, "data");
      return conn;
    };
    const dial = compose(page.observe(), withTimeout({ timeoutMs: 60 }), retry, tcp());
    const targets = [good.address, silent.address, resetting.address, closed];
    const held: Duplex[] = [];
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const signal = index % 7 === 0 ? AbortSignal.timeout(index % 20) : undefined;
        const conn = await dial(targets[index % 4] as string, { handshake, ...(signal && { signal }) }).catch(
          () => undefined,
        );
        if (conn !== undefined && index % 3 === 0) conn.destroy();
        else if (conn !== undefined) held.push(conn);
      }),
    );
    const { dials, attempts, connections } = only(page);
    assert.deepEqual([dials.active, attempts.active], [0, 0]);
    assert.equal(dials.succeeded + dials.failed + dials.canceled, 200);
    assert.equal(attempts.started, attempts.established + attempts.failed + attempts.canceled);
    assert.equal(connections.open, held.length);
    await until(() => good.open.size === held.length, "the server to see the others close");
    for (const conn of held) conn.destroy();
    await until(() => only(page).connections.open === 0, "all to be closed");
    assert.equal(page.snapshot().connections.total, 0);
  });

  it("inspector shows clients until they end", () => {
    const page = inspector();
    const hooks = playClient(page);
    const [{ id, since, disconnectedAt, ...client } = assert.fail("no client")] = page.snapshot().clients;
    assert.deepEqual(client, {
      name: "orders-worker",
      state: "connected",
      server: "10.0.3.11:4222",
      serverVersion: "2.9.10",
      disconnects: 1,
      reason: "remote",
      reconnects: 1,
      reconnectAttempts: 0,
      rttMs: 1.4,
      inMsgs: 118_402,
      outMsgs: 20_311,
      inBytes: 48_213_377,
      outBytes: 9_120_410,
    });
    assert.ok(Math.abs((disconnectedAt ?? 0) - Date.now()) < 60_000);
    hooks.end?.({ state: "closed" });
    assert.deepEqual(page.snapshot().clients, []);
  });

  it("inspector refuses invalid options at construction", async () => {
    for (const [options, message] of [
      [{ recentDials: -1 }, /^RangeError: inspector: recentDials must be a whole number from 0 to 10000, got -1$/],
      [{ recentFailures: 1e6 }, /recentFailures/],
      [{ maxViewers: 1.5 }, /maxViewers/],
      [{ updateMs: 1 }, /updateMs/],
      [{ hosts: "a" }, /^TypeError: inspector: hosts must be an array of host names, got "a"$/],
      [{ hosts: ["http://a/"] }, /hosts must be host names or addresses/],
      [{ recent: 1 }, /unknown option recent;/],
      [null, /options must be an object/],
      [
        { traceLink: "jaeger/{traceId}" },
        /traceLink must be an http or https URL that contains {traceId}, got "jaeger/,
      ],
      [{ traceLink: "https://jaeger.internal/" }, /traceLink must be an http or https URL that contains {traceId}/],
      [{ traceLink: "javascript:alert('{traceId}')" }, /traceLink must be an http or https URL/],
      [{ traceLink: "https:{traceId}" }, /traceLink must be an http or https URL/],
      [{ traceLink: 5 }, /traceLink must be an http or https URL that contains {traceId}, got 5/],
      [{ traceLink: "https://user:secret@jaeger/{traceId}" }, /traceLink must be a URL without user name and password/],
      [{ traceLink: "https://{traceId}.evil.example/" }, /traceLink must not contain {traceId} in its host/],
    ] as const) {
      assert.throws(() => inspector(options as never), message);
    }
    const page = inspector();
    assert.throws(() => page.observe({ name: "" }), /^TypeError: inspector.observe: name must be/);
    assert.throws(() => page.client({ name: 5 as never }), /^TypeError: inspector.client: name must be/);
    assert.throws(() => page.pool({ nam: "a" } as never), /^TypeError: inspector.pool: unknown option nam;/);
    // A secret in a refused template does not reach the error.
    assert.throws(
      () => inspector({ traceLink: "https://user:secret@jaeger/" }),
      (error: Error) => !error.message.includes("secret"),
    );
    await assert.rejects(page.listen({ port: -1 }), /^RangeError: inspector.listen: port must be/);
    await assert.rejects(page.listen({ host: "" }), /^TypeError: inspector.listen: host must be/);
    await assert.rejects(page.listen({ prot: 1 } as never), /unknown option prot;/);
  });
});
