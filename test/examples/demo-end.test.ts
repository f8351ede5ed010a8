import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { freezeProcess, thawProcess } from "../support/processes.ts";
import { assertInOrder, type Example, startDemo } from "./demo.ts";

const phases = [
  ["Ctrl-C before the first connect", ["--up-after", "60"], "because: refused", "Ctrl-C", "SIGINT"],
  ["Ctrl-C while connected", ["--up-after", "0.2"], "received", "Ctrl-C", "SIGINT"],
  [
    "Ctrl-C during an outage",
    ["--up-after", "0.2", "--down-after", "0.5", "--down-for", "60"],
    "not ready yet: reconnecting",
    "Ctrl-C",
    "SIGINT",
  ],
  ["SIGTERM", ["--up-after", "0.2"], "received", "SIGTERM", "SIGTERM"],
  ["a hangup of its terminal (SIGHUP)", ["--up-after", "0.2"], "received", "SIGHUP", "SIGHUP"],
] as const;

// Concurrent, since these tests mostly wait.
describe("demo shutdown", { concurrency: 2 }, () => {
  for (const [what, args, line, word, signal] of phases) {
    test(`${what} ends the demo with exit code 0 and leaves no process behind`, async () => {
      await using demo = startDemo(args);
      await demo.printed(line);
      demo.child.kill(signal);
      assert.equal(await demo.ended(), 0, demo.output);
      assertInOrder(demo.output, [`${word}: cancel, drain and exit`, "totals from the metrics:"]);
      await demo.leftNothing();
    });
  }

  test("the demo counts two SIGINTs at the same time as one Ctrl-C, since npm sends a second one", async () => {
    await using demo = startDemo(["--small-server", "--up-after", "0.2"], secondSignal());
    await demo.printed("received");
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended(), 0, demo.output);
    assertInOrder(demo.output, ["Ctrl-C", "drained and closed"]);
    await demo.leftNothing();
  });

  test("a second Ctrl-C ends the demo immediately with exit code 130", async () => {
    await using demo = startDemo(["--up-after", "0.2"], secondSignal(600));
    await demo.printed("received");
    const server = await freeze(demo); // A frozen server blocks the drain.
    try {
      demo.child.kill("SIGINT");
      assert.equal(await demo.ended(), 130, demo.output);
    } finally {
      await thawProcess(server);
    }
    await demo.leftNothing();
  });

  test("a frozen server delays the end of the demo only by the drain's timeout", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    await freeze(demo);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended(), 0, demo.output);
    assertInOrder(demo.output, ["could not drain within a second"]);
    await demo.leftNothing();
  });

  test("killing the demo also ends its nats-server", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    assert.equal(demo.servers().length, 1);
    demo.child.kill("SIGKILL");
    assert.equal(await demo.ended(), "SIGKILL");
    await demo.leftNothing();
  });

  test("a nats-server that fails to start ends the demo with exit code 1 and the server's last line", async () => {
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

  test("the demo ends with its server when the reader of its output has closed the pipe", async () => {
    await using demo = startDemo(["--up-after", "0.2"]);
    await demo.printed("received");
    demo.child.stdout?.destroy();
    assert.equal(await demo.ended(), 1);
    await demo.leftNothing();
  });

  test("an unreachable collector does not delay the end of the demo", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
    await using demo = startDemo(["--small-server", "--up-after", "0.2"], env);
    await demo.printed("received");
    const startedAt = performance.now();
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended(), 0, demo.output);
    assert.ok(performance.now() - startedAt < 20_000, demo.output);
    assertInOrder(demo.output, ["some spans could not be exported; is the collector running?"]);
  });
});

/**
 * The environment of a demo that sends itself a second SIGINT, `afterMs` milliseconds after the first or, without `afterMs`, at
 * once. A pause of this process would delay it.
 */
function secondSignal(afterMs?: number): NodeJS.ProcessEnv {
  const send = "process.kill(process.pid, 'SIGINT')";
  const program = `process.once("SIGINT", () => ${afterMs === undefined ? send : `setTimeout(() => ${send}, ${afterMs})`})`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}` };
}

/** Freezes the demo's server. */
async function freeze(demo: Example): Promise<number> {
  const [pid] = demo.servers();
  assert.ok(pid !== undefined, demo.output);
  await freezeProcess(pid);
  return pid;
}
