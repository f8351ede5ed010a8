import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertInOrder, type Example, startDemo } from "./demo.ts";

const phases = [
  ["Ctrl-C before the first connect", ["--up-after", "60"], "because: refused", "Ctrl-C", "SIGINT"],
  ["Ctrl-C while connected", ["--up-after", "0.2"], "received", "Ctrl-C", "SIGINT"],
  [
    "Ctrl-C during an outage",
    ["--up-after", "0.2", "--down-after", "2", "--down-for", "60"],
    "not ready yet: reconnecting",
    "Ctrl-C",
    "SIGINT",
  ],
  ["SIGTERM", ["--up-after", "0.2"], "received", "SIGTERM", "SIGTERM"],
  ["the hangup of its terminal", ["--up-after", "0.2"], "received", "SIGHUP", "SIGHUP"],
] as const;

// Side by side, for they mostly wait.
describe("the end of the demo", { concurrency: 2 }, () => {
  for (const [what, args, line, word, signal] of phases) {
    test(`${what} ends the demo with 0 and leaves nothing behind`, async () => {
      await using demo = startDemo(args);
      await demo.printed(line);
      const startedAt = performance.now();
      demo.child.kill(signal);
      assert.equal(await demo.ended(), 0, demo.output);
      assert.ok(performance.now() - startedAt < 10_000, demo.output);
      assertInOrder(demo.output, [`${word}: cancels, drains and ends`, "in numbers, from the metrics:"]);
      await demo.leftNothing();
    });
  }

  test("a Ctrl-C that arrives twice at once, from the terminal and from npm, is one", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    demo.child.kill("SIGINT");
    await sleep(20);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended(), 0, demo.output);
    assertInOrder(demo.output, ["Ctrl-C", "is drained and closed"]);
    await demo.leftNothing();
  });

  test("a second Ctrl-C ends the demo at once", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    const server = await freeze(demo); // One that doesn't answer holds the drain up.
    try {
      demo.child.kill("SIGINT");
      await demo.printed("Ctrl-C");
      await sleep(600);
      demo.child.kill("SIGINT");
      assert.equal(await demo.ended(), 130, demo.output);
    } finally {
      process.kill(server, "SIGCONT");
    }
    await demo.leftNothing();
  });

  test("a server that doesn't answer holds the end up for no more than its drain and its stop", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    await freeze(demo);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended(), 0, demo.output);
    assertInOrder(demo.output, ["could not drain within a second"]);
    await demo.leftNothing();
  });

  test("a demo that is killed takes its server with it", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    assert.equal(demo.servers().length, 1);
    demo.child.kill("SIGKILL");
    assert.equal(await demo.ended(), "SIGKILL");
    await demo.leftNothing();
  });

  test("a server that can't be started ends the demo with 1, and with its last words", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dialtrace-"));
    try {
      const script =
        '#!/bin/sh\n[ "$1" = --version ] && echo "nats-server: v0.0.0" && exit\necho "no luck today" >&2\n';
      await writeFile(join(folder, "nats-server"), script, { mode: 0o755 });
      await using demo = startDemo(["--up-after", "0.2"], { PATH: `${folder}:${process.env.PATH}` });
      assert.equal(await demo.ended(), 1, demo.output);
      assertInOrder(demo.output, [
        "nats-server v0.0.0 will run on",
        "canceled",
        "Error: nats-server did not start: no luck today",
      ]);
      await demo.leftNothing();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("a demo that nobody reads any more ends, and takes its server with it", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    demo.child.stdout?.destroy();
    assert.equal(await demo.ended(), 1);
    await demo.leftNothing();
  });

  test("a collector that is away doesn't hold the end up", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
    await using demo = startDemo(["--small-server", "--up-after", "0.2"], env);
    await demo.printed("received");
    const startedAt = performance.now();
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended(), 0, demo.output);
    assert.ok(performance.now() - startedAt < 10_000, demo.output);
    assertInOrder(demo.output, ["not all could be sent; is there a collector?"]);
  });
});

/** Stops the demo's server where it stands, and waits until it greets nobody any more. */
async function freeze(demo: Example): Promise<number> {
  const [pid = 0] = demo.servers();
  const port = Number(/is up on 127\.0\.0\.1:(\d+)/.exec(demo.output)?.[1]);
  process.kill(pid, "SIGSTOP");
  for (let greets = true; greets; ) {
    const socket = connect(port, "127.0.0.1");
    greets = await Promise.race([once(socket, "data").then(() => true), sleep(200, false)]);
    socket.destroy();
  }
  return pid;
}
