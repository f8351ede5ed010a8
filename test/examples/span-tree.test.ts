import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attributes, context, type Span, trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import type { Screen } from "../../examples/demo/screen.ts";
import { SpanTreePrinter } from "../../examples/demo/span-tree.ts";

/** A fixed start in milliseconds, so that the output can be compared exactly. */
const start = 1_700_000_000_000;

function setUp(paint: Screen["paint"] = (_style, text) => text) {
  const said: (readonly string[])[] = [];
  const say: Screen["say"] = (_speaker, text) => said.push(typeof text === "string" ? [text] : text);
  const provider = new BasicTracerProvider({
    spanProcessors: [new SpanTreePrinter({ colors: false, columns: 80, say, paint })],
  });
  const tracer = provider.getTracer("test");
  const span = (name: string, at: number, attributes: Attributes = {}, parent?: Span) => {
    const parentContext = parent === undefined ? context.active() : trace.setSpan(context.active(), parent);
    return tracer.startSpan(name, { startTime: start + at, attributes }, parentContext);
  };
  return { said, span };
}

test("SpanTreePrinter prints a trace as one tree, ordered by start, when its root ends", () => {
  const { said, span } = setUp();
  const root = span("dial", 0, { "server.address": "db", "server.port": 5432 });
  const first = span("attempt", 1, { "dialer.attempt.number": 1, "error.type": "refused" }, root);
  const dns = span("dns lookup", 1, { "dns.question.name": "db" }, first);
  const v6 = span("connect", 3, { "network.peer.address": "::1", "network.peer.port": 5432 }, first);
  const second = span("attempt", 1200, { "dialer.attempt.number": 2 }, root);
  v6.setAttribute("error.type", "refused").end(start + 4);
  dns.end(start + 3);
  first.end(start + 4.5);
  span("tls handshake", 1201, { "server.address": "db", "tls.protocol.version": "1.3" }, second).end(start + 1215);
  second.end(start + 1215);
  assert.deepEqual(said, [], "nothing before the root ends");
  root.setAttribute("dialer.attempt.count", 2).end(start + 1215);

  assert.deepEqual(said, [
    [
      "trace                      start  duration",
      "dial db:5432               +0 ms   1215 ms  2 attempts",
      "├─ attempt 1               +1 ms    3.5 ms  refused",
      "│  ├─ dns lookup db        +1 ms    2.0 ms",
      "│  └─ connect ::1:5432     +3 ms    1.0 ms  refused",
      "└─ attempt 2            +1200 ms     15 ms",
      "   └─ tls handshake db  +1201 ms     14 ms  1.3",
    ],
  ]);
});

test("SpanTreePrinter keeps concurrent traces apart and prints failures in red", () => {
  const { said, span } = setUp((style, text) => `<${style}>${text}</>`);
  const [one, other] = [span("one", 0), span("other", 0)];
  span("child", 0, { "error.type": "timeout" }, one).end(start + 1);
  other.end(start + 1);
  one.end(start + 2);
  assert.deepEqual(
    said.map((lines) => lines.slice(1).map((line) => /other|one|child/.exec(line)?.[0])),
    [["other"], ["one", "child"]],
  );
  assert.match(said[1]?.at(-1) ?? "", /<red>timeout<\/>$/);
});

test("SpanTreePrinter drops the oldest of more than 100 unfinished traces", () => {
  const { said, span } = setUp();
  const roots = Array.from({ length: 150 }, () => span("root", 0));
  for (const root of roots) span("child", 0, {}, root).end(start + 1);
  for (const root of roots) root.end(start + 1);
  const withChild = said.filter((lines) => lines.some((line) => line.includes("child")));
  assert.equal(withChild.length, 100);
});
