// Longer than other files: all tests share the SDK under test and its helpers.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, beforeEach, describe, it } from "node:test";
import type { Context, Span, TracerProvider } from "@opentelemetry/api";
import {
  compose,
  type DialError,
  type Dialer,
  type DialOptions,
  type DialTrace,
  type HandshakeContext,
  type Middleware,
  parseTarget,
  type TcpOptions,
  tcp,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { type TracingOptions, withTracing } from "../../src/otel.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { deferred } from "../support/contract.ts";
import { freePort, goodPeer, type Peer, silentPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { type SdkLine, useContextManager } from "./sdk-lines.ts";
import { spanRecorder, spanTree } from "./span-tree.ts";

const never = () => new Promise<never>(() => {});

/** Tests `withTracing` with one version of OpenTelemetry's SDK. */
export function spanTests(sdk: SdkLine): void {
  const { api } = sdk;
  const complaints: unknown[] = [];
  const complain = (...what: unknown[]) => complaints.push(what);
  api.diag.setLogger(
    { error: complain, warn: complain, info() {}, debug() {}, verbose() {} },
    { logLevel: api.DiagLogLevel.WARN },
  );
  useContextManager(sdk);

  let recorder = spanRecorder();
  let tracerProvider: TracerProvider = sdk.provider(recorder);
  beforeEach(() => {
    recorder = spanRecorder();
    tracerProvider = sdk.provider(recorder);
  });
  // The SDK logs spans that are ended twice or written to after their end.
  after(() => assert.deepEqual(complaints, []));

  const traced = (options: TracingOptions, ...layers: [...Middleware[], Dialer]): Dialer =>
    compose(withTracing({ tracerProvider, ...options }), ...layers);

  /** Compares the whole tree. `names` maps ports to the `$` names in `expected`. */
  function assertTree(expected: string, names: Readonly<Record<number, string>> = {}): void {
    assert.equal(spanTree(recorder.started, names), expected.trim().replaceAll(/\n {4}/g, "\n"));
    assert.deepEqual(recorder.open, [], "no span is left open");
    assert.equal(recorder.ends, recorder.started.length, "each span ends once");
  }

  /** A lookup that resolves names to loopback addresses. */
  const lookupOf =
    (...addresses: string[]): TcpOptions["lookup"] =>
    (_host, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );

  /** Dials `first` in the first attempt and the target in later ones. */
  const refusedOnce = (refused: number): Dialer => {
    const base = tcp();
    let calls = 0;
    return (target, options) => base(++calls === 1 ? `127.0.0.1:${refused}` : target, options);
  };

  function abortWhen(controller: AbortController, hook: keyof DialTrace): DialTrace {
    return { [hook]: () => setTimeout(() => controller.abort(), 5) };
  }

  describe("span trees", () => {
    it("withTracing traces a dial by address that succeeds in its first attempt", async () => {
      await using server = await goodPeer();
      (await traced({ name: "orders" }, tcp())(server.address)).destroy();
      assertTree(
        `
    dial dialer.attempt.count=1 dialer.name=orders dialer.outcome=success network.transport=tcp server.address=127.0.0.1 server.port=PORT
      attempt dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4`,
        { [server.port]: "PORT" },
      );
    });

    it("withTracing traces a dial by name that succeeds in its first attempt", async () => {
      await using server = await goodPeer();
      (await traced({}, tcp({ lookup: lookupOf("127.0.0.1") }))(`db.internal:${server.port}`)).destroy();
      assertTree(
        `
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=success network.transport=tcp server.address=db.internal server.port=PORT
      attempt dialer.attempt.number=1 dialer.endpoint=db.internal:PORT
        dns lookup dns.answers=[127.0.0.1] dns.question.name=db.internal
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4`,
        { [server.port]: "PORT" },
      );
    });

    it("withTracing traces a name that does not resolve", async () => {
      const error = Object.assign(new Error("getaddrinfo ENOTFOUND nowhere.invalid"), { code: "ENOTFOUND" });
      await assert.rejects(traced({}, tcp({ lookup: (_h, _o, done) => done(error, []) }))("nowhere.invalid:4222"));
      assertTree(`
    dial Error "dial nowhere.invalid:4222: getaddrinfo ENOTFOUND nowhere.invalid" dialer.attempt.count=1 dialer.name=default dialer.outcome=failure error.type=dns_not_found network.transport=tcp server.address=nowhere.invalid server.port=4222
      attempt Error "dial nowhere.invalid:4222: getaddrinfo ENOTFOUND nowhere.invalid" dialer.attempt.number=1 dialer.endpoint=nowhere.invalid:4222 error.type=dns_not_found
        dns lookup Error "getaddrinfo ENOTFOUND nowhere.invalid" dns.question.name=nowhere.invalid error.type=dns_not_found`);
    });

    it("withTracing traces a missing unix socket", async () => {
      await assert.rejects(traced({}, tcp())("unix:/nonexistent/a.sock"));
      assertTree(`
    dial Error "dial unix:/nonexistent/a.sock: connect ENOENT /nonexistent/a.sock" dialer.attempt.count=1 dialer.name=default dialer.outcome=failure error.type=refused network.transport=unix server.address=/nonexistent/a.sock
      attempt Error "dial unix:/nonexistent/a.sock: connect ENOENT /nonexistent/a.sock" dialer.attempt.number=1 dialer.endpoint=unix:/nonexistent/a.sock error.type=refused
        connect Error "connect ENOENT /nonexistent/a.sock" error.type=refused network.peer.address=/nonexistent/a.sock network.transport=unix`);
    });

    it("withTracing marks only the failed attempt when a retry succeeds", async () => {
      await using server = await goodPeer();
      const refused = await freePort();
      const retry = withRetry({ initialBackoffMs: 20, jitter: "none" });
      (await traced({}, retry, refusedOnce(refused))(server.address)).destroy();
      assertTree(
        `
    dial dialer.attempt.count=2 dialer.name=default dialer.outcome=success network.transport=tcp server.address=127.0.0.1 server.port=PORT
      (backoff) dialer.backoff.delay=0.02 error.type=refused
      attempt Error "dial 127.0.0.1:PORT: connect ECONNREFUSED 127.0.0.1:REFUSED" dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT error.type=refused
        connect Error "connect ECONNREFUSED 127.0.0.1:REFUSED" error.type=refused network.peer.address=127.0.0.1 network.peer.port=REFUSED network.type=ipv4
      attempt dialer.attempt.number=2 dialer.endpoint=127.0.0.1:PORT
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4`,
        { [server.port]: "PORT", [refused]: "REFUSED" },
      );
    });

    it("withTracing traces a dial whose attempts all failed", async () => {
      const port = await freePort();
      const retry = withRetry({ maxAttempts: 2, initialBackoffMs: 0 });
      await assert.rejects(traced({}, retry, tcp())(`127.0.0.1:${port}`));
      const attempt = (number: number) => `
      attempt Error "dial 127.0.0.1:PORT: connect ECONNREFUSED 127.0.0.1:PORT" dialer.attempt.number=${number} dialer.endpoint=127.0.0.1:PORT error.type=refused
        connect Error "connect ECONNREFUSED 127.0.0.1:PORT" error.type=refused network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4`;
      assertTree(
        `
    dial Error "dial 127.0.0.1:PORT failed after 2 attempts: connect ECONNREFUSED 127.0.0.1:PORT" dialer.attempt.count=2 dialer.name=default dialer.outcome=failure error.type=refused network.transport=tcp server.address=127.0.0.1 server.port=PORT
      (backoff) dialer.backoff.delay=0 error.type=refused${attempt(1)}${attempt(2)}`,
        { [port]: "PORT" },
      );
    });

    it("withTracing traces two addresses, the first of which refuses", async () => {
      await using server = await goodPeer();
      const dial = traced({}, tcp({ lookup: lookupOf("127.0.0.2", "127.0.0.1") }));
      (await dial(`db.internal:${server.port}`)).destroy();
      assertTree(
        `
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=success network.transport=tcp server.address=db.internal server.port=PORT
      attempt dialer.attempt.number=1 dialer.endpoint=db.internal:PORT
        dns lookup dns.answers=[127.0.0.2,127.0.0.1] dns.question.name=db.internal
        connect Error "connect ECONNREFUSED 127.0.0.2:PORT" error.type=refused network.peer.address=127.0.0.2 network.peer.port=PORT network.type=ipv4
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4`,
        { [server.port]: "PORT" },
      );
    });

    it("withTracing traces an attempt timeout followed by a success", async () => {
      await using server = await goodPeer();
      const clock = fakeClock();
      const layers = [
        clock.layer,
        withRetry({ initialBackoffMs: 500, jitter: "none" }),
        withTimeout({ timeoutMs: 2000 }),
      ] as const;
      let calls = 0;
      const handshake = (conn: Socket) => (++calls === 1 ? never() : Promise.resolve(conn));
      const dialed = traced({}, ...layers, tcp())(server.address, { handshake });
      await until(() => calls === 1, "the handshake");
      await clock.advance(2500);
      (await dialed).destroy();
      const connect =
        "connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4";
      assertTree(
        `
    dial dialer.attempt.count=2 dialer.name=default dialer.outcome=success network.transport=tcp server.address=127.0.0.1 server.port=PORT
      (backoff) dialer.backoff.delay=0.5 error.type=timeout
      attempt Error "attempt 1 to dial 127.0.0.1:PORT timed out after 2000 ms" dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT error.type=timeout
        ${connect}
        protocol handshake Error "attempt 1 to dial 127.0.0.1:PORT timed out after 2000 ms" error.type=timeout
      attempt dialer.attempt.number=2 dialer.endpoint=127.0.0.1:PORT
        ${connect}
        protocol handshake`,
        { [server.port]: "PORT" },
      );
    });

    it("withTracing traces a dial timeout in the second attempt", async () => {
      await using server = await silentPeer();
      const refused = await freePort();
      const clock = fakeClock();
      const layers = [
        clock.layer,
        withTimeout({ timeoutMs: 3000 }),
        withRetry({ initialBackoffMs: 1000, jitter: "none" }),
      ] as const;
      const ended = assert.rejects(traced({}, ...layers, refusedOnce(refused))(server.address, { handshake: never }));
      await until(() => clock.pending === 2, "the wait");
      await clock.advance(1000);
      await until(() => recorder.open.includes("protocol handshake"), "the handshake");
      await clock.advance(2000);
      await ended;
      const message = `"dial 127.0.0.1:PORT timed out after 3000 ms; attempt 1 before failed: connect ECONNREFUSED 127.0.0.1:REFUSED"`;
      assertTree(
        `
    dial Error ${message} dialer.attempt.count=2 dialer.name=default dialer.outcome=failure error.type=timeout network.transport=tcp server.address=127.0.0.1 server.port=PORT
      (backoff) dialer.backoff.delay=1 error.type=refused
      attempt Error "dial 127.0.0.1:PORT: connect ECONNREFUSED 127.0.0.1:REFUSED" dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT error.type=refused
        connect Error "connect ECONNREFUSED 127.0.0.1:REFUSED" error.type=refused network.peer.address=127.0.0.1 network.peer.port=REFUSED network.type=ipv4
      attempt Error ${message} dialer.attempt.number=2 dialer.endpoint=127.0.0.1:PORT error.type=timeout
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
        protocol handshake Error ${message} error.type=timeout`,
        { [server.port]: "PORT", [refused]: "REFUSED" },
      );
    });

    it("withTracing marks no error when the caller aborts during a connect", async () => {
      await using server = await goodPeer();
      const controller = new AbortController();
      const trace: DialTrace = { connectStart: () => queueMicrotask(() => controller.abort()) };
      const { signal } = controller;
      await assert.rejects(traced({}, tcp())(server.address, { signal, trace }), { name: "AbortError" });
      assertTree(
        `
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=canceled network.transport=tcp server.address=127.0.0.1 server.port=PORT
      attempt dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT dialer.outcome=canceled
        connect dialer.outcome=canceled network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4`,
        { [server.port]: "PORT" },
      );
    });

    it("withTracing traces a dial canceled during a DNS lookup that never ends", async () => {
      const controller = new AbortController();
      const dial = traced({}, tcp({ lookup: () => {} }));
      const { signal } = controller;
      await assert.rejects(dial("db.internal:5432", { signal, trace: abortWhen(controller, "dnsStart") }));
      assertTree(`
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=canceled network.transport=tcp server.address=db.internal server.port=5432
      attempt dialer.attempt.number=1 dialer.endpoint=db.internal:5432 dialer.outcome=canceled
        dns lookup dialer.outcome=canceled dns.question.name=db.internal`);
    });

    for (const mode of ["spans", "events"] as const) {
      it(`withTracing records the decisions of layers as events, in mode ${mode}`, async () => {
        const [a, b] = [parseTarget("a:1"), parseTarget("b:1")];
        const layers: Middleware = (next) => (target, options) => {
          const trace = options?.trace;
          trace?.startDelayed?.({ target: a, delayMs: 100 });
          trace?.limitWait?.({ target: a, limit: "rate", durationMs: 20, outcome: "success" });
          trace?.breakerChange?.({ target: a, state: "open", previous: "closed" });
          trace?.failover?.({ target: a, from: a, to: b, error: new Error("no"), reason: "refused" });
          return next(target, options);
        };
        const dial = compose(withTracing({ tracerProvider, mode }), layers, scriptedDialer());
        (await dial("a:1")).destroy();
        const events = spanTree(recorder.started).match(/^ *\((start delay|limit wait|breaker|failover)\).*$/gm) ?? [];
        assert.deepEqual(
          events.map((line) => line.trim()),
          [
            "(start delay) dialer.backoff.delay=0.1",
            "(limit wait) dialer.limit.type=rate",
            "(breaker) dialer.breaker.previous_state=closed dialer.breaker.state=open dialer.endpoint=a:1",
            "(failover) dialer.endpoint=b:1 dialer.failover.from=a:1 error.type=refused",
          ],
        );
        assert.deepEqual(recorder.open, []);
      });
    }

    it("withTracing traces a dial canceled during a retry delay", async () => {
      const port = await freePort();
      const controller = new AbortController();
      const dial = traced({}, withRetry({ initialBackoffMs: 5000, jitter: "none" }), tcp());
      const { signal } = controller;
      await assert.rejects(dial(`127.0.0.1:${port}`, { signal, trace: abortWhen(controller, "retryScheduled") }));
      assertTree(
        `
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=canceled network.transport=tcp server.address=127.0.0.1 server.port=PORT
      (backoff) dialer.backoff.delay=5 error.type=refused
      attempt Error "dial 127.0.0.1:PORT: connect ECONNREFUSED 127.0.0.1:PORT" dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT error.type=refused
        connect Error "connect ECONNREFUSED 127.0.0.1:PORT" error.type=refused network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4`,
        { [port]: "PORT" },
      );
    });

    it("withTracing records the protocol and peer that a handshake describes", async () => {
      await using server = await goodPeer();
      const handshake: NonNullable<DialOptions["handshake"]> = async (conn, context) => {
        context.describe({ name: "nats", attributes: { "nats.server.name": "n1", "nats.server.version": "2.10.0" } });
        return conn;
      };
      (await traced({}, tcp())(server.address, { handshake })).destroy();
      assert.match(
        spanTree(recorder.started),
        /\n {4}protocol handshake nats\.server\.name=n1 nats\.server\.version=2\.10\.0 network\.protocol\.name=nats$/,
      );
      assert.deepEqual(recorder.open, []);
    });

    it("withTracing limits attributes to 1 kB when a handshake repeats a peer's 900 kB", async () => {
      const words = `\u001b[2J\u202e\r\n${"x".repeat(900_000)}`;
      await using server = await goodPeer();
      for (const mode of ["spans", "events"] as const) {
        const handshake: NonNullable<DialOptions["handshake"]> = async (_conn, context) => {
          context.describe({ name: words, attributes: { "nats.server.name": words } });
          throw new Error(words);
        };
        await assert.rejects(traced({ mode }, tcp())(server.address, { handshake }));
      }
      assert.match(spanTree(recorder.started), /nats\.server\.name/);
      for (const { attributes, events, status } of recorder.started) {
        const all = [attributes, ...events.map((each) => each.attributes ?? {}), { status: status.message }];
        for (const value of all.flatMap((each) => Object.values(each))) {
          if (typeof value !== "string") continue;
          assert.ok(Buffer.byteLength(value) <= 1024);
          assert.doesNotMatch(value, /[\p{Cc}\p{Cf}]/u);
        }
      }
    });

    it("withTracing records a handshake's steps as events, except after its end", async () => {
      await using server = await goodPeer();
      let late: HandshakeContext | undefined;
      const handshake: NonNullable<DialOptions["handshake"]> = async (conn, context) => {
        late = context;
        for (const step of ["info", "connect", "pong"]) context.event(step);
        return conn;
      };
      (await traced({}, tcp())(server.address, { handshake })).destroy();
      late?.event("late");
      assert.match(
        spanTree(recorder.started),
        /\n {4}protocol handshake\n {6}\(info\)\n {6}\(connect\)\n {6}\(pong\)$/,
      );
      assert.deepEqual(recorder.open, []);
    });

    it("withTracing adds a handshake's step to no other handshake's span", async () => {
      await using server = await goodPeer();
      const both = deferred<HandshakeContext>();
      const hedge: Middleware = (next) => async (target, options) => {
        next(target, {
          ...options,
          handshake: (_conn, context) => {
            both.resolve(context);
            return never();
          },
        }).catch(() => {});
        const first = await both.promise;
        return next(target, {
          ...options,
          handshake: async (conn, context) => {
            first.event("of the first");
            context.event("of the second");
            return conn;
          },
        });
      };
      const clock = fakeClock();
      (await traced({}, clock.layer, hedge, withTimeout({ timeoutMs: 1000 }), tcp())(server.address)).destroy();
      await clock.advance(1000);
      const events = recorder.started.flatMap((span) => span.events.map(({ name }) => name));
      assert.deepEqual(events, ["of the second"]);
    });

    it("withTracing records the peer of a failed handshake", async () => {
      await using server = await goodPeer();
      const handshake: NonNullable<DialOptions["handshake"]> = async (_conn, context) => {
        context.describe({ name: "nats", attributes: { "nats.server.name": "n1" } });
        throw new Error("'Authorization Violation'");
      };
      await assert.rejects(traced({}, tcp())(server.address, { handshake }), { reason: "auth_failed" });
      assertTree(
        `
    dial Error "dial 127.0.0.1:PORT: 'Authorization Violation'" dialer.attempt.count=1 dialer.name=default dialer.outcome=failure error.type=auth_failed network.transport=tcp server.address=127.0.0.1 server.port=PORT
      attempt Error "dial 127.0.0.1:PORT: 'Authorization Violation'" dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT error.type=auth_failed
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
        protocol handshake Error "'Authorization Violation'" error.type=auth_failed nats.server.name=n1 network.protocol.name=nats`,
        { [server.port]: "PORT" },
      );
    });

    it("withTracing traces a proxy and a TLS upgrade that report through hooks", async () => {
      await using server = await goodPeer();
      const handshake: NonNullable<DialOptions["handshake"]> = async (conn, { trace, target }) => {
        trace?.proxyStart?.({ type: "socks5", proxy: target });
        trace?.proxyDone?.({ type: "socks5", proxy: target, durationMs: 1, outcome: "success" });
        trace?.tlsHandshakeStart?.({ serverName: "db.internal" });
        trace?.tlsHandshakeDone?.({
          serverName: "db.internal",
          durationMs: 1,
          outcome: "success",
          protocol: "TLSv1.3",
          cipher: "TLS_AES_256_GCM_SHA384",
          alpnProtocol: "h2",
          resumed: false,
          peerCertificateExpiresAt: Date.UTC(2031, 0, 2),
        });
        return conn;
      };
      (await traced({}, tcp())(server.address, { handshake })).destroy();
      assertTree(
        `
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=success network.transport=tcp server.address=127.0.0.1 server.port=PORT
      attempt dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
        protocol handshake
        proxy connect dialer.proxy.type=socks5 network.peer.address=127.0.0.1 network.peer.port=PORT
        tls handshake server.address=db.internal tls.cipher=TLS_AES_256_GCM_SHA384 tls.next_protocol=h2 tls.protocol.name=tls tls.protocol.version=1.3 tls.resumed=false tls.server.not_after=2031-01-02T00:00:00.000Z`,
        { [server.port]: "PORT" },
      );
    });
  });

  describe("sampling", () => {
    it("withTracing sets the attributes for samplers at the start of each span", async () => {
      await using server = await goodPeer();
      (await traced({}, tcp({ lookup: lookupOf("127.0.0.1") }))(`db.internal:${server.port}`)).destroy();
      const seen = recorder.started.map((span) => [span.name, Object.keys(recorder.atStart(span)).sort()]);
      assert.deepEqual(seen, [
        ["dial", ["dialer.name", "network.transport", "server.address", "server.port"]],
        ["attempt", ["dialer.attempt.number", "dialer.endpoint"]],
        ["dns lookup", ["dns.question.name"]],
        ["connect", ["network.peer.address", "network.peer.port", "network.type"]],
      ]);
    });

    it("withTracing creates INTERNAL spans with constant names from the tracer dialtrace", async () => {
      await using server = await goodPeer();
      for (const host of ["127.0.0.1", "db-1.internal", "db-2.internal"]) {
        const dial = traced({}, tcp({ lookup: lookupOf("127.0.0.1") }));
        (await dial(`${host}:${server.port}`, { handshake: async (conn) => conn })).destroy();
      }
      const names = new Set(recorder.started.map((span) => span.name));
      assert.deepEqual([...names], ["dial", "attempt", "connect", "protocol handshake", "dns lookup"]);
      for (const span of recorder.started) {
        assert.equal(span.kind, 0, span.name);
        assert.equal(
          (span as unknown as { instrumentationScope: { name: string } }).instrumentationScope.name,
          "dialtrace",
        );
      }
    });
  });

  describe("ends of spans", () => {
    it("withTracing ends all spans when base dialer and handshake ignore the caller's abort", async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const deaf: Dialer = (_target, { trace } = {}) => {
        trace?.dnsStart?.({ host: "db.internal" });
        trace?.connectStart?.({ address: { address: "127.0.0.1", port: 1, family: "ipv4" } });
        setTimeout(() => controller.abort(), 5);
        return never();
      };
      await assert.rejects(traced({}, deaf)("db.internal:1", { signal }), { name: "AbortError" });
      assertTree(`
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=canceled network.transport=tcp server.address=db.internal server.port=1
      attempt dialer.attempt.number=1 dialer.endpoint=db.internal:1 dialer.outcome=canceled
        dns lookup dialer.outcome=canceled dns.question.name=db.internal
        connect dialer.outcome=canceled network.peer.address=127.0.0.1 network.peer.port=1 network.type=ipv4`);
    });

    it("withTracing ends all spans when a timeout ends an attempt whose phase never ends", async () => {
      const clock = fakeClock();
      const deaf: Dialer = (_target, { trace } = {}) => {
        trace?.tlsHandshakeStart?.({ serverName: "db.internal" });
        return never();
      };
      const layers = [
        clock.layer,
        withRetry({ maxAttempts: 2, initialBackoffMs: 0 }),
        withTimeout({ timeoutMs: 10 }),
      ] as const;
      const ended = assert.rejects(traced({}, ...layers, deaf)("db.internal:1"));
      await clock.advance(20);
      await ended;
      const attempt = (number: number) => `
      attempt Error "attempt ${number} to dial db.internal:1 timed out after 10 ms" dialer.attempt.number=${number} dialer.endpoint=db.internal:1 error.type=timeout
        tls handshake Error error.type=timeout server.address=db.internal`;
      assert.ok(
        spanTree(recorder.started).endsWith(`${attempt(1)}${attempt(2)}`.replaceAll(/\n {4}/g, "\n")),
        spanTree(recorder.started),
      );
      assert.deepEqual(recorder.open, []);
    });

    it("withTracing ends all spans when a phase starts twice and ends once", async () => {
      const base = scriptedDialer();
      const twice = ((target, options = {}) => {
        options.trace?.dnsStart?.({ host: "a" });
        options.trace?.dnsStart?.({ host: "b" });
        options.trace?.dnsDone?.({ host: "b", addresses: [], durationMs: 1, outcome: "success" });
        return base(target, options as never);
      }) as Dialer;
      (await traced({}, twice)("a:1")).destroy();
      assert.deepEqual(recorder.open, []);
    });

    for (const mode of ["spans", "events"] as const) {
      it(`withTracing starts no span when a base dialer continues after its dial, in mode ${mode}`, async () => {
        const controller = new AbortController();
        let late: DialTrace | undefined;
        const deaf: Dialer = (_target, { trace } = {}) => {
          late = trace;
          setTimeout(() => controller.abort(), 5);
          return never();
        };
        await assert.rejects(traced({ mode }, deaf)("db.internal:1", { signal: controller.signal }));
        const address = { address: "127.0.0.1", port: 1, family: "ipv4" } as const;
        const before = spanTree(recorder.started);
        late?.connectStart?.({ address });
        late?.connectDone?.({ address, durationMs: 1, outcome: "success" });
        late?.attemptStart?.({ target: parseTarget("db.internal:1"), attempt: 2 });
        const error = new Error("late");
        late?.retryScheduled?.({ target: parseTarget("a:1"), attempt: 2, delayMs: 1, error, reason: "refused" });
        assert.equal(spanTree(recorder.started), before, "no span starts after the end of the dial");
        assert.deepEqual(recorder.open, []);
      });
    }

    it("withTracing ends all spans when a decorator runs attempts in parallel", async () => {
      await using server = await goodPeer();
      const clock = fakeClock();
      const hedge: Middleware = (next) => async (target, options) => {
        const slow = next(target, { ...options, handshake: () => never() });
        await until(() => server.accepted === 1, "the first attempt");
        slow.catch(() => {});
        return next(target, options);
      };
      const layers = [clock.layer, hedge, withTimeout({ timeoutMs: 1000 })] as const;
      let open: readonly string[] = [];
      const trace: DialTrace = {
        attemptDone({ attempt }) {
          if (attempt === 2) open = recorder.open;
        },
      };
      (await traced({}, ...layers, tcp())(server.address, { trace })).destroy();
      assert.deepEqual(
        open,
        ["dial", "attempt", "protocol handshake"],
        "the end of the second attempt does not end the first",
      );
      const parents = new Map(recorder.started.map((span) => [span.spanContext().spanId, span]));
      const attempts = recorder.started.filter((span) => span.name === "attempt");
      assert.deepEqual(
        attempts.map((span) => span.attributes["dialer.attempt.number"]),
        [1, 2],
      );
      assert.equal(attempts[1]?.status.code, 0);
      for (const span of attempts) assert.equal(parents.get(span.parentSpanContext?.spanId ?? "")?.name, "dial");
      assert.deepEqual(recorder.open, [], "the end of the dial ends the open spans beneath it");
      await clock.advance(1000);
      assert.equal(recorder.ends, recorder.started.length);
    });
  });

  describe("parent spans", () => {
    const tracer = () => tracerProvider.getTracer("test");
    const inside = <T>(span: Span, work: () => T): T =>
      api.context.with(api.trace.setSpan(api.context.active() as Context, span), work);
    const dialSpan = () => recorder.started.find((span) => span.name === "dial");

    it("withTracing makes the dial's span a child of the active span", async () => {
      await using server = await goodPeer();
      const request = tracer().startSpan("request");
      (await inside(request, () => traced({}, tcp())(server.address))).destroy();
      request.end();
      assert.match(spanTree(recorder.started), /^request\n {2}dial .*\n {4}attempt .*\n {6}connect [^\n]*$/);
    });

    it("withTracing finds the active span across awaits and timers", async () => {
      await using server = await goodPeer();
      const request = tracer().startSpan("request");
      const dial = traced({}, tcp());
      await inside(request, async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        (await dial(server.address)).destroy();
      });
      request.end();
      assert.equal(dialSpan()?.parentSpanContext?.spanId, request.spanContext().spanId);
    });

    it("withTracing starts a new trace without an active span", async () => {
      await using server = await goodPeer();
      (await traced({}, tcp())(server.address)).destroy();
      assert.equal(dialSpan()?.parentSpanContext, undefined);
    });

    it("withTracing starts a new trace for a background dial even if a span is active", async () => {
      await using server = await goodPeer();
      const request = tracer().startSpan("request");
      (await inside(request, () => traced({}, tcp())(server.address, { background: true }))).destroy();
      request.end();
      assert.equal(dialSpan()?.parentSpanContext, undefined);
      assert.notEqual(dialSpan()?.spanContext().traceId, request.spanContext().traceId);
      assert.deepEqual(recorder.open, []);
    });

    it("withTracing gives each of 200 concurrent dials its own parent", async () => {
      await using server = await goodPeer();
      const refused = await freePort();
      const dial = traced(
        {},
        withRetry({ maxAttempts: 2, initialBackoffMs: 1 }),
        tcp({ lookup: lookupOf("127.0.0.2", "127.0.0.1") }),
      );
      const one = async (index: number) => {
        const request = tracer().startSpan(`request ${index}`);
        await inside(request, async () => {
          await new Promise((resolve) => setTimeout(resolve, index % 7));
          const controller = new AbortController();
          if (index % 5 === 4) setTimeout(() => controller.abort(), index % 3);
          const target = [server.address, `db-${index}.internal:${server.port}`, `127.0.0.1:${refused}`][index % 3];
          await dial(target ?? "", { signal: controller.signal }).then(
            (conn) => conn.destroy(),
            () => {},
          );
        });
        request.end();
      };
      await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));
      await until(() => recorder.open.length === 0, "the ends of all spans");

      const byId = new Map(recorder.started.map((span) => [span.spanContext().spanId, span]));
      const parentOf = (span: (typeof recorder.started)[number]) => byId.get(span.parentSpanContext?.spanId ?? "");
      const above: Record<string, RegExp> = {
        dial: /^request/,
        attempt: /^dial$/,
        "dns lookup": /^attempt$/,
        connect: /^attempt$/,
      };
      const requests = new Set<string>();
      for (const span of recorder.started) {
        const parent = parentOf(span);
        if (span.name.startsWith("request")) {
          assert.equal(parent, undefined);
          continue;
        }
        assert.match(parent?.name ?? "", above[span.name] ?? /never/, span.name);
        assert.equal(span.spanContext().traceId, parent?.spanContext().traceId);
        if (span.name === "dial") {
          requests.add(parent?.name ?? "");
          const index = Number(parent?.name.slice("request ".length));
          const asked = [server.port, server.port, refused][index % 3];
          assert.equal(span.attributes["server.port"], asked, "the dial of the same request");
        }
      }
      assert.equal(requests.size, 200);
      assert.equal(recorder.ends, recorder.started.length);
    });
  });

  describe("modes", () => {
    async function retriedOnce(server: Peer, options: TracingOptions): Promise<Record<number, string>> {
      const refused = await freePort();
      const dial = traced(options, withRetry({ initialBackoffMs: 20, jitter: "none" }), refusedOnce(refused));
      const handshake: NonNullable<DialOptions["handshake"]> = async (conn, context) => {
        context.describe({ name: "nats" });
        context.event("info");
        context.trace?.tlsHandshakeStart?.({ serverName: "db.internal" });
        context.trace?.tlsHandshakeDone?.({ serverName: "db.internal", durationMs: 1, outcome: "success" });
        return conn;
      };
      (await dial(server.address, { handshake })).destroy();
      return { [server.port]: "PORT", [refused]: "REFUSED" };
    }

    it("withTracing creates one span with events in mode events", async () => {
      await using server = await goodPeer();
      const names = await retriedOnce(server, { mode: "events" });
      assertTree(
        `
    dial dialer.attempt.count=2 dialer.name=default dialer.outcome=success network.transport=tcp server.address=127.0.0.1 server.port=PORT
      (attempt start) dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT
      (connect) error.type=refused network.peer.address=127.0.0.1 network.peer.port=REFUSED network.type=ipv4
      (attempt) dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT error.type=refused
      (backoff) dialer.backoff.delay=0.02 error.type=refused
      (attempt start) dialer.attempt.number=2 dialer.endpoint=127.0.0.1:PORT
      (connect) network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
      (handshake info) dialer.attempt.number=2
      (tls handshake) server.address=db.internal
      (protocol handshake) network.protocol.name=nats
      (attempt) dialer.attempt.number=2 dialer.endpoint=127.0.0.1:PORT`,
        names,
      );
      for (const event of recorder.started[0]?.events ?? []) {
        const expected = /start|backoff|info/.test(event.name) ? "undefined" : "number";
        assert.equal(typeof event.attributes?.["dialer.duration"], expected, event.name);
      }
    });

    it("withTracing marks a failed dial, but not a canceled one, in mode events", async () => {
      const port = await freePort();
      await assert.rejects(traced({ mode: "events" }, tcp())(`127.0.0.1:${port}`));
      const controller = new AbortController();
      const { signal } = controller;
      const dial = traced({ mode: "events" }, tcp({ lookup: () => {} }));
      await assert.rejects(dial("db.internal:1", { signal, trace: abortWhen(controller, "dnsStart") }));
      assertTree(
        `
    dial Error "dial 127.0.0.1:PORT: connect ECONNREFUSED 127.0.0.1:PORT" dialer.attempt.count=1 dialer.name=default dialer.outcome=failure error.type=refused network.transport=tcp server.address=127.0.0.1 server.port=PORT
      (attempt start) dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT
      (connect) error.type=refused network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
      (attempt) dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT error.type=refused
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=canceled network.transport=tcp server.address=db.internal server.port=1
      (attempt start) dialer.attempt.number=1 dialer.endpoint=db.internal:1
      (dns lookup) dialer.outcome=canceled dns.question.name=db.internal
      (attempt) dialer.attempt.number=1 dialer.endpoint=db.internal:1 dialer.outcome=canceled`,
        { [port]: "PORT" },
      );
    });

    it("withTracing returns the dialer beneath unchanged in mode off", async () => {
      await using server = await goodPeer();
      await retriedOnce(server, { mode: "off" });
      assert.equal(recorder.started.length, 0);
      const base = tcp();
      assert.equal(withTracing({ mode: "off" })(base), base);
    });
  });

  describe("tracer providers", () => {
    it("withTracing uses a provider that is registered after the first dial", async () => {
      await using server = await goodPeer();
      const dial = compose(withTracing(), tcp());
      (await dial(server.address)).destroy();
      assert.equal(recorder.started.length, 0);
      api.trace.setGlobalTracerProvider(tracerProvider);
      (await dial(server.address)).destroy();
      assert.deepEqual(
        recorder.started.map((span) => span.name),
        ["dial", "attempt", "connect"],
      );
      assert.deepEqual(recorder.open, []);
    });

    it("withTracing attaches no hooks if the provider does not record", async () => {
      await using server = await goodPeer();
      const seen: unknown[] = [];
      const layer: Middleware = (next) => (target, options) => {
        seen.push(options?.trace);
        return next(target, options);
      };
      const unsampled = sdk.provider(recorder, { sampled: false });
      for (const mode of ["spans", "events"] as const) {
        (await compose(withTracing({ mode, tracerProvider: unsampled }), layer, tcp())(server.address)).destroy();
      }
      assert.deepEqual(seen, [undefined, undefined]);
      assert.equal(recorder.started.length, 0);
      (await compose(withTracing({ tracerProvider }), layer, tcp())(server.address)).destroy();
      assert.notEqual(seen[2], undefined, "a recording provider attaches hooks");
    });

    it("withTracing does not fail a dial when the provider throws", async () => {
      await using server = await goodPeer();
      const broken = {
        getTracer() {
          throw new Error("no tracer");
        },
      } as unknown as TracerProvider;
      const warned = once(process, "warning");
      const conn = await compose(withTracing({ tracerProvider: broken }), tcp())(server.address);
      assert.equal(conn.destroyed, false);
      conn.destroy();
      await warned;
    });

    it("withTracing layers can use different providers", async () => {
      await using server = await goodPeer();
      const other = spanRecorder();
      const refused = await freePort();
      const attempts = withTracing({ tracerProvider: sdk.provider(other), name: "inner" });
      (await traced({}, withRetry({ initialBackoffMs: 0 }), attempts, refusedOnce(refused))(server.address)).destroy();
      const dials = other.started.filter((span) => span.name === "dial");
      assert.deepEqual(
        dials.map((span) => [
          span.status.code,
          span.attributes["dialer.attempt.count"],
          span.attributes["dialer.outcome"],
        ]),
        [
          [2, 1, "failure"],
          [0, 1, "success"],
        ],
        "beneath a retry each dial is one attempt",
      );
      assert.deepEqual([recorder.open, other.open], [[], []]);
    });
  });

  it("withTracing uses the error's reason as error.type", async () => {
    const port = await freePort();
    const error: DialError = await traced(
      {},
      tcp(),
    )(`127.0.0.1:${port}`).then(
      () => assert.fail("nothing listens there"),
      (failed) => failed,
    );
    for (const span of recorder.started) assert.equal(span.attributes["error.type"], error.reason, span.name);
  });
}
