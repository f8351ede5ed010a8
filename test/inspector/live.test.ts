import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { compose } from "../../src/index.ts";
import { type Inspector, type InspectorSnapshot, inspector } from "../../src/inspector.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { openTimers, until } from "../support/resources.ts";
import { temporaryFolder } from "../support/temporary.ts";

interface Told {
  readonly event: string;
  readonly data: InspectorSnapshot & { readonly dialIds?: readonly number[] };
}

/** Reads the event stream like a browser's EventSource. */
async function watch(at: { readonly port: number } | { readonly socketPath: string }) {
  const asked = request({ host: "127.0.0.1", ...at, path: "/events", agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.on("error", () => {});
  const told: Told[] = [];
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (!text.slice(-chunk.length - 1).includes("\n\n")) return;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event] = /^event: (.*)$/m.exec(block) ?? [];
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (event !== undefined) told.push({ event, data: JSON.parse(data ?? "null") });
    }
  });
  return {
    status: response.statusCode,
    headers: response.headers,
    told,
    response,
    [Symbol.dispose]: () => asked.destroy(),
  };
}

const dialOnce = async (page: Inspector, target = "db:5432") =>
  (await compose(page.observe(), scriptedDialer())(target)).destroy();

describe("live updates", () => {
  it("live updates start with a snapshot and continue with changes", async () => {
    const page = inspector({ updateMs: 50 });
    await dialOnce(page, "before:1");
    await using server = await page.listen();
    using viewer = await watch(server);
    assert.equal(viewer.headers["content-type"], "text/event-stream; charset=utf-8");
    assert.equal(viewer.headers["cache-control"], "no-store");
    await until(() => viewer.told.length >= 1, "the first event");
    assert.equal(viewer.told[0]?.event, "snapshot");
    assert.equal(viewer.told[0]?.data.dials[0]?.target, "before:1");
    await dialOnce(page, "after:1");
    const update = () => viewer.told.findLast(({ data }) => data.dials.some(({ target }) => target === "after:1"));
    await until(() => update() !== undefined, "the new dial");
    assert.equal(update()?.event, "update");
    assert.equal(update()?.data.dialIds?.length, 2);
    assert.equal(update()?.data.dialers[0]?.dials.succeeded, 2);
  });

  it("live updates show the progress of a dial and the close of its connection", async () => {
    const page = inspector({ updateMs: 50 });
    await using server = await page.listen();
    using viewer = await watch(server);
    const controller = new AbortController();
    const dialing = compose(page.observe(), scriptedDialer(["hang"]))("h:1", { signal: controller.signal });
    const conn = await compose(page.observe(), scriptedDialer())("h:2");
    const latest = (target: string) =>
      viewer.told.flatMap(({ data }) => data.dials).findLast((dial) => dial.target === target);
    await until(() => latest("h:1") !== undefined && latest("h:2") !== undefined, "both dials");
    assert.equal(latest("h:1")?.outcome, undefined);
    controller.abort();
    conn.destroy();
    await assert.rejects(dialing);
    await until(() => latest("h:1")?.outcome === "canceled", "the abort");
    await until(() => latest("h:2")?.closed?.reason === "local", "the close");
  });

  it("live updates send nothing while nothing changes", async () => {
    const page = inspector({ updateMs: 50 });
    await dialOnce(page);
    await using server = await page.listen();
    using viewer = await watch(server);
    using other = await watch(server);
    await until(() => viewer.told.length >= 2, "the first update");
    const count = viewer.told.length;
    // A bucket of ten seconds may end meanwhile, which is one change.
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok(viewer.told.length <= count + 1, `${viewer.told.length - count} events about nothing`);
    assert.ok(other.told.length > 0);
  });

  it("live updates run a timer only while there are viewers", async () => {
    const page = inspector({ updateMs: 50 });
    await using server = await page.listen();
    const before = openTimers();
    const viewer = await watch(server);
    await until(() => viewer.told.length > 0, "the first event");
    viewer[Symbol.dispose]();
    await until(() => openTimers() <= before, "the timer to be gone");
    await dialOnce(page);
    using again = await watch(server);
    await until(() => again.told[0]?.data.dials.length === 1, "a new beginning");
  });

  it("live updates refuse viewers above the limit until another viewer leaves", async () => {
    const page = inspector({ updateMs: 50, maxViewers: 2 });
    await using server = await page.listen();
    const first = await watch(server);
    using _second = await watch(server);
    using late = await watch(server);
    assert.equal(late.status, 503);
    assert.equal(late.headers["retry-after"], "5");
    first[Symbol.dispose]();
    await until(() => first.response.destroyed, "the first to leave");
    for (;;) {
      using next = await watch(server);
      if (next.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  it("live updates buffer nothing for a viewer that does not read, and send it all missed changes afterwards", async () => {
    const page = inspector({ updateMs: 50, recentFailures: 10_000 });
    // The snapshot has about 1.2 MB, which the buffers of a unix socket cannot hold. Those of TCP grow with the traffic.
    const failing = compose(page.observe(), scriptedDialer([new Error("\u8a9e".repeat(300))]));
    const longName = Array(4).fill("h".repeat(50)).join(".");
    for (let index = 0; index < 1_500; index += 1) await assert.rejects(failing(`${longName}:1`));
    const socketPath = join(temporaryFolder(), "page.sock");
    const responses: ServerResponse[] = [];
    const handle = page.handler();
    await using server = createServer((asked, response) => {
      responses.push(response);
      handle(asked, response);
    }).listen(socketPath);
    await once(server, "listening");
    using slow = await watch({ socketPath });
    slow.response.pause();
    using good = await watch({ socketPath });
    const tellsOf = ({ told }: typeof good, target: string) =>
      told.some(({ data }) => data.dials.some((dial) => dial.target === target));
    const buffered = () => responses[0]?.writableLength;
    await until(() => good.told.length >= 1, "the snapshot");
    const first = buffered();
    assert.notEqual(first, 0);
    for (let index = 1; index <= 10; index += 1) {
      await dialOnce(page, `more:${index}`);
      await until(() => tellsOf(good, `more:${index}`), "the next update");
    }
    assert.equal(buffered(), first);
    assert.equal(slow.told.length, 0);
    slow.response.resume();
    await until(() => tellsOf(slow, "more:10"), "what it has missed");
    assert.deepEqual(
      slow.told.slice(0, 2).map(({ event, data }) => [event, data.dials.length]),
      [
        ["snapshot", 1_500],
        ["update", 10],
      ],
    );
  });
});
