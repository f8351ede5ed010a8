import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { type Span, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { compose, pool } from "../../src/index.ts";
import { poolTracing, withTracing } from "../../src/otel.ts";
import { connection } from "../support/contract.ts";

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

/** Runs `work` in a new span and returns the ended span. */
async function spanOf(name: string, work: () => Promise<unknown>): Promise<ReadableSpan> {
  await trace.getTracer("test").startActiveSpan(name, async (span: Span) => {
    await work();
    span.end();
  });
  return exporter.getFinishedSpans().findLast((each) => each.name === name) ?? assert.fail(`no span ${name}`);
}

const traced = (maxOpen = 1) =>
  pool<Duplex>({ dialer: compose(withTracing(), async () => connection()), maxOpen, trace: poolTracing() });

const told = ({ events }: ReadableSpan) =>
  events.map(({ name, attributes }) => [name, attributes?.["dialer.pool.outcome"], attributes?.["dialer.endpoint"]]);

describe("poolTracing", () => {
  before(() => provider.register());
  after(async () => {
    await provider.shutdown();
    trace.disable();
  });

  it("poolTracing adds an event for a hit and a link to the connection's dial", async () => {
    await using connections = traced();
    const first = await spanOf("first", async () => (await connections.acquire("db:1")).release());
    const dial = exporter.getFinishedSpans().findLast(({ name }) => name === "dial");
    assert.equal(
      dial?.parentSpanContext?.spanId,
      first.spanContext().spanId,
      "the dial's span is a child of the caller's span",
    );
    assert.deepEqual(told(first), [["pool acquire", "miss", "db:1"]]);
    assert.deepEqual(first.links, []);

    const second = await spanOf("second", async () => (await connections.acquire("db:1")).release());
    assert.deepEqual(told(second), [["pool acquire", "hit", "db:1"]]);
    assert.deepEqual(
      second.links.map(({ context, attributes }) => [context.spanId, attributes]),
      [[dial?.spanContext().spanId, { "dialer.link": "pooled_connection" }]],
    );
  });

  it("poolTracing adds the event to the waiting caller's span, not to the releasing one's", async () => {
    await using connections = traced();
    const lease = await connections.acquire("db:1");
    const waiting = spanOf("waits", async () => (await connections.acquire("db:1")).release());
    const gives = await spanOf("gives back", async () => lease.release());
    const waits = await waiting;
    assert.deepEqual(told(gives), []);
    assert.deepEqual(told(waits), [["pool acquire", "hit", "db:1"]]);
    assert.equal(waits.links.length, 1);
  });

  it("poolTracing adds an event without a link for a failed acquire", async () => {
    await using connections = pool<Duplex>({
      dialer: async () => connection(),
      maxOpen: 1,
      acquireTimeoutMs: 5,
      trace: poolTracing(),
    });
    const lease = await connections.acquire("db:1");
    const span = await spanOf("failed acquire", () => assert.rejects(connections.acquire("db:1")));
    assert.deepEqual(told(span), [["pool acquire", "timeout", "db:1"]]);
    assert.deepEqual(span.links, []);
    lease.release();
  });

  it("poolTracing does nothing without an active span", async () => {
    await using connections = traced();
    (await connections.acquire("db:1")).release();
    (await connections.acquire("db:1")).release();
  });
});
