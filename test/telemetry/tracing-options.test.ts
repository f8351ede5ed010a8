import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type NatsTracingOptions, natsTracing, type TracingOptions, withTracing } from "../../src/otel.ts";

describe("options of withTracing", () => {
  const refused: readonly (readonly [unknown, string, RegExp])[] = [
    [null, "TypeError", /withTracing: options must be an object, got null/],
    [{ mode: "tree" }, "RangeError", /withTracing: mode must be one of spans, events, off, got "tree"/],
    [{ name: 7 }, "TypeError", /withTracing: name must be a string, got 7/],
    [{ tracerProvider: {} }, "TypeError", /withTracing: tracerProvider must have getTracer, got an object/],
    [{ provider: {} }, "TypeError", /withTracing: unknown option provider; did you mean tracerProvider\?$/],
  ];
  for (const [options, name, message] of refused) {
    it(`withTracing refuses invalid options with ${message.source}`, () => {
      assert.throws(() => withTracing(options as TracingOptions), { name, message });
    });
  }

  it("withTracing accepts omitted and undefined options", () => {
    withTracing();
    withTracing({ tracerProvider: undefined, mode: undefined, name: undefined });
  });
});

describe("options of natsTracing", () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [null, /natsTracing: options must be an object, got null/],
    [{ tracerProvider: {} }, /natsTracing: tracerProvider must have getTracer, got an object/],
    [{ name: "x" }, /natsTracing: unknown option name; the options are tracerProvider/],
  ];
  for (const [options, message] of refused) {
    it(`natsTracing refuses invalid options with ${message.source}`, () => {
      assert.throws(() => natsTracing(options as NatsTracingOptions), { name: "TypeError", message });
    });
  }

  it("natsTracing accepts omitted and undefined options", () => {
    natsTracing();
    natsTracing({ tracerProvider: undefined });
  });
});
