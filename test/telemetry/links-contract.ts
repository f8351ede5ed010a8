import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { TracerProvider } from "@opentelemetry/api";
import { compose, type Dialer, withRetry } from "../../src/index.ts";
import { type TracingOptions, withTracing } from "../../src/otel.ts";
import { type Step, scriptedDialer } from "../../src/testing.ts";
import type { SdkLine } from "./sdk-lines.ts";
import { linksOf, spanRecorder } from "./span-tree.ts";

const no = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** Tests the links between the dials of one owner with one version of OpenTelemetry's SDK. */
export function linkTests(sdk: SdkLine): void {
  let recorder = spanRecorder();
  let tracerProvider: TracerProvider = sdk.provider(recorder);
  beforeEach(() => {
    recorder = spanRecorder();
    tracerProvider = sdk.provider(recorder);
  });

  /** A traced dialer that plays `steps`, and a function that dials through it. */
  function played(steps: readonly Step[], options: TracingOptions = {}) {
    const dialer = compose(withTracing({ tracerProvider, ...options }), scriptedDialer(steps));
    return (owner: object | undefined, background = true) => dialOn(dialer as never, owner, background);
  }

  async function dialOn(dialer: Dialer, owner: object | undefined, background: boolean): Promise<void> {
    await dialer("n1:4222", { owner, background }).then(
      (conn) => conn.destroy(),
      () => {},
    );
  }

  /** The links of each dial so far; the number is the index of the linked dial. */
  function dialLinks(from = recorder): string[][] {
    const dials = from.started.filter(({ name }) => name === "dial");
    return dials.map((dial) => linksOf(dial, dials));
  }

  for (const mode of ["spans", "events"] as const) {
    describe(`links of background dials in mode ${mode}`, () => {
      it("a background dial links to its owner's last successful dial, even if that was the first", async () => {
        const dial = played(["connect"], { mode });
        const owner = {};
        await dial(owner, false);
        await dial(owner);
        await dial(owner);
        assert.deepEqual(dialLinks(), [[], ["previous_connection: dial 0"], ["previous_connection: dial 1"]]);
        assert.equal(recorder.started.find(({ name }) => name === "dial")?.parentSpanContext, undefined);
        assert.deepEqual(recorder.open, []);
      });

      it("a background dial links to the first failed dial since the last success", async () => {
        const dial = played(["connect", no, no, "connect", no, no], { mode });
        const owner = {};
        await dial(owner, false);
        for (let count = 0; count < 5; count += 1) await dial(owner);
        assert.deepEqual(dialLinks(), [
          [],
          ["previous_connection: dial 0"],
          ["previous_connection: dial 0", "episode: dial 1"],
          ["previous_connection: dial 0", "episode: dial 1"],
          ["previous_connection: dial 3"],
          ["previous_connection: dial 3", "episode: dial 4"],
        ]);
      });
    });
  }

  it("a foreground dial has no links, nor has a background dial without an owner", async () => {
    const dial = played([no, "connect"]);
    const owner = {};
    await dial(owner, false);
    await dial(owner, false);
    await dial(undefined);
    await dial(undefined);
    assert.deepEqual(dialLinks(), [[], [], [], []]);
  });

  it("a background dial does not link to dials of other owners", async () => {
    const dial = played(["connect", no, "connect"]);
    const [a, b] = [{}, {}];
    await dial(a, false);
    await dial(b, false);
    await dial(a);
    await dial(b);
    assert.deepEqual(dialLinks(), [[], [], ["previous_connection: dial 0"], ["episode: dial 1"]]);
  });

  it("a canceled dial does not change the links of later dials", async () => {
    const controller = new AbortController();
    const dialer = compose(withTracing({ tracerProvider }), scriptedDialer(["connect", "hang", "connect"]));
    const owner = {};
    await dialOn(dialer as never, owner, false);
    const canceled = dialer("n1:4222", { owner, background: true, signal: controller.signal });
    controller.abort();
    await assert.rejects(canceled);
    await dialOn(dialer as never, owner, true);
    assert.deepEqual(dialLinks(), [[], ["previous_connection: dial 0"], ["previous_connection: dial 0"]]);
  });

  it("a background dial does not link past an unsampled successful dial", async () => {
    let sampled = true;
    const providers = { yes: tracerProvider, no: sdk.provider(recorder, { sampled: false }) };
    const some: TracerProvider = { getTracer: (name) => (sampled ? providers.yes : providers.no).getTracer(name) };
    const dial = played(["connect", "connect", no, no, "connect"], { tracerProvider: some });
    const owner = {};
    await dial(owner, false);
    sampled = false;
    await dial(owner); // a good one that is the last now
    sampled = true;
    await dial(owner); // fails
    assert.deepEqual(dialLinks(), [[], []]);
    sampled = false;
    await dial(owner);
    sampled = true;
    await dial(owner);
    assert.deepEqual(dialLinks(), [[], [], ["episode: dial 1"]]);
  });

  it("a background dial does not link past an unsampled first failure", async () => {
    let sampled = false;
    const providers = { yes: tracerProvider, no: sdk.provider(recorder, { sampled: false }) };
    const some: TracerProvider = { getTracer: (name) => (sampled ? providers.yes : providers.no).getTracer(name) };
    const dial = played([no], { tracerProvider: some });
    const owner = {};
    await dial(owner);
    sampled = true;
    await dial(owner);
    await dial(owner);
    assert.deepEqual(dialLinks(), [[], []]);
  });

  it("each withTracing layer links only its own dials", async () => {
    const inner = spanRecorder();
    const dialer = compose(
      withTracing({ tracerProvider }),
      withRetry({ maxAttempts: 2, backoff: () => 0 }),
      withTracing({ tracerProvider: sdk.provider(inner) }),
      scriptedDialer(["connect", no, no, no, "connect"]),
    );
    const owner = {};
    await dialOn(dialer as never, owner, false);
    await dialOn(dialer as never, owner, true);
    await dialOn(dialer as never, owner, true);
    assert.deepEqual(dialLinks(), [
      [],
      ["previous_connection: dial 0"],
      ["previous_connection: dial 0", "episode: dial 1"],
    ]);
    const good = "previous_connection: dial 0";
    assert.deepEqual(dialLinks(inner), [
      [],
      [good],
      [good, "episode: dial 1"],
      [good, "episode: dial 1"],
      [good, "episode: dial 1"],
    ]);
  });
}
