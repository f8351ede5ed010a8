import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Context, Span, TracerProvider } from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";
import { compose, type Dialer, type Middleware, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { type TracingOptions, withTracing } from "../../src/otel.ts";
import { type Step, scriptedDialer } from "../../src/testing.ts";
import { deferred } from "../support/contract.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { type SdkLine, useContextManager } from "./sdk-lines.ts";
import { linksOf, type RecordedSpan, spanRecorder } from "./span-tree.ts";

const never = () => new Promise<never>(() => {});
const no = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** Tests the active context beneath `withTracing` with one version of OpenTelemetry's SDK. */
export function contextTests(sdk: SdkLine): void {
  const { api } = sdk;
  useContextManager(sdk);
  let recorder = spanRecorder();
  let tracerProvider: TracerProvider = sdk.provider(recorder);
  beforeEach(() => {
    recorder = spanRecorder();
    tracerProvider = sdk.provider(recorder);
  });

  const tracer = () => tracerProvider.getTracer("test");
  const traced = (options: TracingOptions, ...layers: [...Middleware[], Dialer]): Dialer =>
    compose(withTracing({ tracerProvider, ...options }), ...layers);
  const active = () => api.context.active() as Context;
  const inside = <T>(span: Span, work: () => T): T => api.context.with(api.trace.setSpan(active(), span), work);
  /** Creates a span in the active context, as instrumentations and applications do. */
  const mark = (name: string) => tracer().startSpan(name).end();
  const parentName = (span: RecordedSpan | undefined) =>
    recorder.started.find((each) => each.spanContext().spanId === span?.parentSpanContext?.spanId)?.name;
  const named = (name: string) => recorder.started.filter((span) => span.name === name);
  const names = () => recorder.started.map(({ name }) => name);

  describe("active span", () => {
    for (const mode of ["spans", "events"] as const) {
      it(`withTracing makes the dial's span active in decorators and handshakes beneath it, in mode ${mode}`, async () => {
        await using server = await goodPeer();
        const layer: Middleware = (next) => (target, options) => {
          mark("decorator");
          return next(target, options);
        };
        const handshake = async (conn: Socket) => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          mark("handshake");
          return conn;
        };
        const request = tracer().startSpan("request");
        const dial = traced({ mode }, withTimeout({ timeoutMs: 5000 }), layer, withRetry(), tcp());
        await inside(request, async () => {
          (await dial(server.address, { handshake })).destroy();
          mark("afterwards");
        });
        request.end();
        for (const name of ["decorator", "handshake"]) assert.equal(parentName(named(name)[0]), "dial", name);
        assert.equal(parentName(named("afterwards")[0]), "request");
        assert.deepEqual(recorder.open, []);
      });
    }

    it("withTracing makes a background dial's span active beneath it, whatever span was active before", async () => {
      await using server = await goodPeer();
      const request = tracer().startSpan("request");
      const handshake = async (conn: Socket) => {
        mark("handshake");
        return conn;
      };
      const options = { background: true, handshake };
      (await inside(request, () => traced({}, tcp())(server.address, options))).destroy();
      request.end();
      assert.equal(parentName(named("handshake")[0]), "dial");
      assert.equal(named("dial")[0]?.parentSpanContext, undefined);
    });

    it("listeners of a connection run in the caller's context after the dial, without suppression", async () => {
      await using server = await goodPeer();
      const request = tracer().startSpan("request");
      for (const background of [false, true]) {
        const conn = await inside(request, () => traced({}, tcp())(server.address, { background }));
        const heard = new Promise<void>((resolve) =>
          conn.on("data", () => {
            mark("heard");
            resolve();
          }),
        );
        await until(() => server.accepted === (background ? 2 : 1), "the server has accepted the connection");
        for (const socket of server.open) socket.write("hello");
        await heard;
        conn.on("close", () => mark("closed"));
        conn.destroy();
        await once(conn, "close");
      }
      request.end();
      for (const name of ["heard", "closed"]) {
        assert.deepEqual(named(name).map(parentName), ["request", "request"], name);
      }
    });

    it("a base dialer that continues after its dial has ended runs in the caller's context", async () => {
      const begun = deferred<void>();
      const goOn = deferred<void>();
      const done = deferred<void>();
      const deaf: Dialer = async () => {
        const derived = active().setValue(Symbol.for("test"), 1);
        begun.resolve();
        await goOn.promise;
        mark("late");
        api.context.with(derived as never, () => mark("later"));
        api.context.with(active().deleteValue(Symbol.for("test")) as never, () => mark("latest"));
        done.resolve();
        return never();
      };
      const controller = new AbortController();
      const dialing = traced({}, deaf)("h:1", { signal: controller.signal });
      await begun.promise;
      controller.abort();
      await assert.rejects(dialing);
      goOn.resolve();
      await done.promise;
      for (const name of ["late", "later", "latest"]) {
        assert.equal(named(name).length, 1, `${name} is created, because suppression has ended`);
        assert.equal(named(name)[0]?.parentSpanContext, undefined, name);
      }
    });

    it("beneath two withTracing layers, the inner dial's span is active and a child of the outer one's", async () => {
      await using server = await goodPeer();
      const dial = traced({ name: "outer" }, withRetry(), withTracing({ tracerProvider, name: "inner" }), tcp());
      (await dial(server.address)).destroy();
      const [outer, inner] = named("dial");
      assert.equal(outer?.attributes["dialer.name"], "outer");
      assert.equal(inner?.parentSpanContext?.spanId, outer?.spanContext().spanId);
      assert.deepEqual(recorder.open, []);
    });
  });

  it("200 reconnects, each started by a listener of the previous connection, leave no chain of contexts", async () => {
    let frames = 0;
    const root: Context = {
      getValue() {
        frames = new Error().stack?.split("\n").length ?? 0;
        return undefined;
      },
      setValue: () => root,
      deleteValue: () => root,
    };
    const dial = traced({}, scriptedDialer() as never);
    let context = root;
    const handshake = async (conn: Socket) => {
      context = active();
      return conn;
    };
    for (let count = 0; count < 200; count += 1) {
      await api.context.with(context as never, () => dial("h:1", { background: true, handshake }));
    }
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    root.getValue(Symbol.for("test"));
    const atRoot = frames;
    context.getValue(Symbol.for("test"));
    Error.stackTraceLimit = stackTraceLimit;
    assert.notEqual(context, root, "the socket of a dial keeps the context in which it was created");
    assert.ok(frames <= atRoot + 1, `${frames - atRoot} contexts deep`);
  });

  describe("instrumentations of net and dns", () => {
    /** Like instrumentation-net: patches `connect` and creates a span for each call. */
    const connect = Socket.prototype.connect;
    beforeEach(() => {
      Socket.prototype.connect = function patched(this: Socket, ...args: unknown[]) {
        const span = tracer().startSpan("tcp.connect");
        this.once("connect", () => span.end());
        this.once("error", () => span.end());
        return Reflect.apply(connect, this, args);
      } as typeof connect;
    });
    afterEach(() => {
      Socket.prototype.connect = connect;
    });

    for (const mode of ["spans", "events"] as const) {
      it(`instrumentations beneath withTracing do not duplicate its spans, in mode ${mode}`, async () => {
        await using server = await goodPeer();
        const refused = await freePort();
        const dial = traced({ mode }, withRetry({ maxAttempts: 2, initialBackoffMs: 1 }), tcp());
        (await dial(server.address)).destroy();
        await assert.rejects(dial(`127.0.0.1:${refused}`));
        assert.equal(named("dial").length, 2);
        assert.equal(named("tcp.connect").length, 0);
        assert.deepEqual(recorder.open, []);
      });
    }

    it("instrumentations create children of the dial's span if suppressTracing is false", async () => {
      await using server = await goodPeer();
      (await traced({ suppressTracing: false }, tcp())(server.address)).destroy();
      await until(() => recorder.open.length === 0, "the ends of all spans");
      assert.deepEqual(named("tcp.connect").map(parentName), ["dial"]);
    });

    it("instrumentations create spans for connections that a handshake opens", async () => {
      await using server = await goodPeer();
      await using other = await goodPeer();
      const handshake = async (conn: Socket) => {
        (await tcp()(other.address)).destroy();
        return conn;
      };
      (await traced({}, tcp())(server.address, { handshake })).destroy();
      assert.deepEqual(named("tcp.connect").map(parentName), ["dial"]);
    });

    it("instrumentations create spans for the caller's own connects during and after a dial", async () => {
      await using server = await goodPeer();
      const dialing = traced({}, tcp())(server.address);
      const bare = await tcp()(server.address);
      const conn = await dialing;
      const again = await tcp()(server.address);
      assert.equal(named("tcp.connect").length, 2);
      for (const each of [bare, conn, again]) each.destroy();
    });

    it("instrumentations create spans for dials that withTracing does not trace", async () => {
      await using server = await goodPeer();
      const unsampled = sdk.provider(spanRecorder(), { sampled: false });
      (await traced({ mode: "off" }, tcp())(server.address)).destroy();
      (await traced({ tracerProvider: unsampled }, tcp())(server.address)).destroy();
      assert.deepEqual(names(), ["tcp.connect", "tcp.connect"]);
    });
  });

  describe("suppressed tracing", () => {
    it("withTracing creates no span while tracing is suppressed, not even for a background dial", async () => {
      await using server = await goodPeer();
      const suppressed = suppressTracing(active());
      for (const background of [false, true]) {
        await api.context.with(suppressed as never, async () => {
          (await traced({}, tcp())(server.address, { background })).destroy();
        });
      }
      assert.deepEqual(names(), []);
      (await traced({}, tcp())(server.address)).destroy();
      assert.equal(named("dial").length, 1);
    });

    it("a traced dialer used as a base dialer creates no second dial span", async () => {
      await using server = await goodPeer();
      const inner = compose(withTracing({ tracerProvider, name: "inner" }), tcp());
      const base: Dialer = (target, options) => inner(target, options);
      (await traced({}, base)(server.address)).destroy();
      assert.deepEqual(names(), ["dial", "attempt", "connect"]);
    });
  });

  describe("requireParentSpan", () => {
    it("requireParentSpan limits tracing to dials with an active parent span", async () => {
      await using server = await goodPeer();
      const dial = traced({ requireParentSpan: true }, tcp());
      (await dial(server.address)).destroy();
      assert.deepEqual(names(), []);
      const request = tracer().startSpan("request");
      (await inside(request, () => dial(server.address))).destroy();
      request.end();
      assert.deepEqual(names(), ["request", "dial", "attempt", "connect"]);
    });

    it("requireParentSpan excludes background dials even if a span is active", async () => {
      await using server = await goodPeer();
      const request = tracer().startSpan("request");
      const dial = traced({ requireParentSpan: true }, tcp());
      (await inside(request, () => dial(server.address, { background: true }))).destroy();
      request.end();
      assert.deepEqual(names(), ["request"]);
    });

    it("requireParentSpan does not link later dials to a dial without a span", async () => {
      const steps: readonly Step[] = ["connect", "connect", no];
      const provider = { tracerProvider, requireParentSpan: true };
      const base = scriptedDialer(steps);
      const some = compose(withTracing(provider), base) as never as Dialer;
      const owner = {};
      const request = tracer().startSpan("request");
      await inside(request, () => some("h:1", { owner }));
      await some("h:1", { owner });
      const failed = inside(request, () => some("h:1", { owner }));
      await assert.rejects(failed);
      request.end();
      assert.deepEqual(
        named("dial").map((span) => linksOf(span, recorder.started)),
        [[], []],
      );
    });
  });
}
