import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import type { Context, HrTime, TracerProvider } from "@opentelemetry/api";
import type { ServerIdentity } from "../../src/client/client-trace.ts";
import { compose, type Dialer } from "../../src/index.ts";
import { natsTracing, withTracing } from "../../src/otel.ts";
import { type Step, scriptedDialer } from "../../src/testing.ts";
import { playedClient } from "./clients.ts";
import type { SdkLine } from "./sdk-lines.ts";
import { linksOf, spanRecorder, spanTree } from "./span-tree.ts";

const no = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const identity: ServerIdentity = { id: "NA", name: "n2", version: "2.10.0", cluster: "east" };
const lost = { server: "n1:4222", reason: "reset" } as const;
const back = { server: "n2:4222", identity, outageMs: 1200, attempts: 3 };

const seconds = ([whole, nanos]: HrTime) => whole + nanos / 1e9;

/** Tests `natsTracing` with one version of OpenTelemetry's SDK; `spanTests` sets its context manager. */
export function natsTracingTests(sdk: SdkLine): void {
  let recorder = spanRecorder();
  let tracerProvider: TracerProvider = sdk.provider(recorder);
  beforeEach(() => {
    recorder = spanRecorder();
    tracerProvider = sdk.provider(recorder);
  });

  const connected = (name?: string) =>
    playedClient(natsTracing({ tracerProvider }), { state: "connected", ...(name && { name }) });
  const episodes = () => recorder.started.filter(({ name }) => name === "nats reconnect");

  it("natsTracing creates one root span when a reconnect ends, with both servers", () => {
    const { events } = connected("orders");
    const before = Date.now() / 1000;
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    for (const attempt of [1, 2, 3]) events.emit("reconnectAttempt", { server: "n2:4222", attempt });
    assert.deepEqual(recorder.started, [], "no span is open while the client is disconnected");
    events.emit("reconnect", back);
    events.enter("connected");
    const after = Date.now() / 1000;
    assert.equal(
      spanTree(recorder.started),
      "nats reconnect nats.client.disconnect.reason=reset nats.client.disconnect.server=n1:4222 nats.client.name=orders " +
        "nats.client.reconnect.attempt.count=3 nats.cluster=east nats.server.id=NA nats.server.name=n2 nats.server.version=2.10.0 server.address=n2 server.port=4222",
    );
    const [span] = episodes();
    assert.ok(span);
    assert.equal(span.parentSpanContext, undefined);
    assert.deepEqual(span.links, []);
    assert.deepEqual(recorder.atStart(span), span.attributes, "a sampler gets all attributes");
    const [from, to] = [seconds(span.startTime), seconds(span.endTime)];
    assert.ok(before - 0.002 <= from && from <= to && to <= after + 0.002, `${before} ${from} ${to} ${after}`);
  });

  it("natsTracing gives the span the duration of the outage", async () => {
    const { events } = connected();
    const startedAt = performance.now();
    events.emit("disconnect", lost);
    const begun = performance.now();
    events.enter("reconnecting");
    await new Promise((resolve) => setTimeout(resolve, 30));
    const ending = performance.now();
    events.emit("reconnect", back);
    const atMost = performance.now() - startedAt;
    const [span] = episodes();
    assert.ok(span);
    const took = (seconds(span.endTime) - seconds(span.startTime)) * 1000;
    assert.ok(took > ending - begun - 1 && took < atMost + 1, `${took} of ${ending - begun} to ${atMost}`);
  });

  it("natsTracing creates a separate trace for each reconnect, and none without a disconnect", () => {
    const { events } = connected();
    events.enter("draining");
    const other = connected();
    for (let count = 0; count < 2; count += 1) {
      other.events.emit("disconnect", lost);
      other.events.enter("reconnecting");
      other.events.emit("reconnect", { server: "[::1]:4222", identity: {}, outageMs: 1, attempts: 1 });
      other.events.enter("connected");
    }
    const spans = episodes();
    assert.equal(spans.length, 2);
    assert.notEqual(spans[0]?.spanContext().traceId, spans[1]?.spanContext().traceId);
    assert.deepEqual(spans[1]?.attributes, {
      "nats.client.disconnect.server": "n1:4222",
      "nats.client.disconnect.reason": "reset",
      "nats.client.reconnect.attempt.count": 1,
      "server.address": "::1",
      "server.port": 4222,
    });
  });

  it("natsTracing creates a root span even if a span is active", () => {
    const { api } = sdk;
    const request = tracerProvider.getTracer("test").startSpan("request");
    const { events } = connected();
    api.context.with(api.trace.setSpan(api.ROOT_CONTEXT as Context, request), () => {
      assert.equal(api.trace.getActiveSpan(), request);
      events.emit("disconnect", lost);
      events.enter("reconnecting");
      events.emit("reconnect", back);
    });
    request.end();
    assert.equal(episodes()[0]?.parentSpanContext, undefined);
    assert.notEqual(episodes()[0]?.spanContext().traceId, request.spanContext().traceId);
  });

  it("natsTracing counts the attempts of each reconnect separately", () => {
    const { events } = connected();
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    events.emit("reconnectAttempt", { server: "n2:4222", attempt: 1 });
    events.emit("reconnect", { ...back, attempts: 1 });
    events.enter("connected");
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    events.close(no);
    assert.deepEqual(
      episodes().map(({ attributes }) => attributes["nats.client.reconnect.attempt.count"]),
      [1, 0],
    );
  });

  it("natsTracing marks the span as failed, with the reason, when the client gives up", () => {
    const { events } = connected();
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    for (const attempt of [1, 2]) events.emit("reconnectAttempt", { server: "n2:4222", attempt });
    events.close(no);
    assert.equal(
      spanTree(recorder.started),
      'nats reconnect Error "connect ECONNREFUSED" error.type=refused nats.client.disconnect.reason=reset nats.client.disconnect.server=n1:4222 nats.client.reconnect.attempt.count=2',
    );
  });

  const canceled = { "its owner": undefined, "an abort": new DOMException("enough", "AbortError") };
  for (const [cause, error] of Object.entries(canceled)) {
    it(`natsTracing records no error when ${cause} closes the client during a reconnect`, () => {
      const { events } = connected();
      events.emit("disconnect", lost);
      events.enter("reconnecting");
      events.close(error);
      assert.equal(
        spanTree(recorder.started),
        "nats reconnect dialer.outcome=canceled nats.client.disconnect.reason=reset nats.client.disconnect.server=n1:4222 nats.client.reconnect.attempt.count=0",
      );
    });
  }

  it("natsTracing adds events with the number of unconfirmed and of dropped messages, if there are any", () => {
    const { events } = connected();
    events.emit("disconnect", { ...lost, unconfirmed: 12 });
    events.enter("reconnecting");
    events.close(undefined, { dropped: 3, unconfirmed: 12 });
    const [span] = episodes();
    assert.ok(span);
    assert.deepEqual(
      span.events.map(({ name, attributes }) => ({ name, attributes })),
      [
        { name: "messages unconfirmed", attributes: { "nats.client.message.count": 12 } },
        { name: "messages dropped", attributes: { "nats.client.message.count": 3 } },
      ],
    );
    assert.deepEqual(
      span.events.map(({ time }) => time),
      [span.startTime, span.endTime],
      "the messages are lost when the connection is lost and when the client closes",
    );

    const other = connected();
    other.events.emit("disconnect", { ...lost, unconfirmed: 0 });
    other.events.enter("reconnecting");
    other.events.close(undefined, { dropped: 0, unconfirmed: 0 });
    assert.deepEqual(episodes()[1]?.events, []);
  });

  it("natsTracing creates no span when closing the client ends the connection", () => {
    const { events } = connected();
    events.emit("disconnect", { server: "n1:4222", reason: "local" });
    events.close(undefined);
    const again = connected();
    again.events.emit("disconnect", lost);
    again.events.enter("reconnecting");
    again.events.emit("reconnect", back);
    again.events.enter("connected");
    again.events.emit("disconnect", lost);
    again.events.close(no);
    assert.equal(episodes().length, 1, "a connection that is not replaced creates no span either");
  });

  it("natsTracing creates no span for a client that is no longer observed", () => {
    const { events, stop } = connected();
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    stop();
    events.emit("reconnect", back);
    assert.deepEqual(recorder.started, []);
  });

  it("natsTracing keeps clients apart", () => {
    const observer = natsTracing({ tracerProvider });
    const [a, b] = (["a", "b"] as const).map((name) => playedClient(observer, { name, state: "connected" }).events);
    a?.emit("disconnect", lost);
    a?.enter("reconnecting");
    b?.emit("reconnect", back);
    b?.close(no);
    assert.deepEqual(recorder.started, []);
    a?.emit("reconnect", back);
    assert.deepEqual(
      episodes().map(({ attributes }) => attributes["nats.client.name"]),
      ["a"],
    );
  });

  /** A client that dials with spans and then loses its connection. */
  function dialing(steps: readonly Step[], provider = tracerProvider) {
    const played = connected();
    const dialer = compose(withTracing({ tracerProvider: provider }), scriptedDialer(steps)) as unknown as Dialer;
    return {
      ...played,
      async dial(background: boolean) {
        await dialer("n1:4222", { owner: played.client, background }).then(
          (conn) => conn.destroy(),
          () => {},
        );
      },
    };
  }
  const episodeLinks = () => {
    const dials = recorder.started.filter(({ name }) => name === "dial");
    return episodes().map((span) => linksOf(span, dials));
  };

  it("natsTracing links the span to the dials of the lost and the new connection", async () => {
    const { events, dial } = dialing(["connect", no, "connect", "connect"]);
    await dial(false);
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    await dial(true);
    await dial(true);
    events.emit("reconnect", back);
    events.enter("connected");
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    await dial(true);
    events.emit("reconnect", back);
    assert.deepEqual(episodeLinks(), [
      ["previous_connection: dial 0", "connection: dial 2"],
      ["previous_connection: dial 2", "connection: dial 3"],
    ]);
    const roots = recorder.started.filter(({ parentSpanContext }) => parentSpanContext === undefined);
    assert.equal(roots.length, 6, "four dials and two episodes, each a root");
  });

  it("natsTracing links the span only to the lost connection's dial when the client gives up", async () => {
    const { events, dial } = dialing(["connect", no]);
    await dial(false);
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    await dial(true);
    events.close(no);
    assert.deepEqual(episodeLinks(), [["previous_connection: dial 0"]]);
  });

  it("natsTracing adds no link to a new connection whose dial had no span", async () => {
    const { client, events, dial } = dialing(["connect"]);
    await dial(false);
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    const untraced = await scriptedDialer()("n1:4222", { owner: client, background: true });
    untraced.destroy();
    events.emit("reconnect", back);
    assert.deepEqual(episodeLinks(), [["previous_connection: dial 0"]]);
  });

  it("natsTracing adds no links to unsampled dials", async () => {
    let sampled = true;
    const unsampled = sdk.provider(recorder, { sampled: false });
    const some: TracerProvider = { getTracer: (name) => (sampled ? tracerProvider : unsampled).getTracer(name) };
    const { events, dial } = dialing(["connect"], some);
    await dial(false);
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    sampled = false;
    await dial(true);
    events.emit("reconnect", back);
    events.enter("connected");
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    sampled = true;
    await dial(true);
    events.emit("reconnect", back);
    assert.deepEqual(episodeLinks(), [["previous_connection: dial 0"], ["connection: dial 1"]]);
  });

  it("natsTracing creates nothing with a provider that does not record", () => {
    const unsampled = sdk.provider(recorder, { sampled: false });
    const { events } = playedClient(natsTracing({ tracerProvider: unsampled }), { state: "connected" });
    events.emit("disconnect", lost);
    events.enter("reconnecting");
    events.emit("reconnect", back);
    events.close(undefined);
    assert.deepEqual(recorder.started, []);
  });
}
