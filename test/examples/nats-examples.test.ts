import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";
import { freezeProcess, thawProcess } from "../support/processes.ts";
import { removeFolder, temporaryFolder } from "../support/temporary.ts";
import { assertInOrder, type Example, startExample } from "./demo.ts";

/** The lines that each example must print, in order. */
const stories: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  "nats-cluster.ts": [
    "discovered",
    "The client's node goes down:",
    /nats-server (\w) goes down\n.*disconnected from \1: (remote|reset)/,
    /reconnected to \w after an outage of \d+ ms/,
    "A fourth node joins",
    "discovered d",
    /disconnected from \w:/,
    "reconnected to d ",
    "All nodes are down:",
    /disconnected from d:/,
    /order \d+ is rejected: publish: not connected, and the buffer of 256 bytes is full/,
    "One node comes back:",
    "reconnected to a ",
    /the (?!0 )\d+ buffered orders have arrived/,
    "disconnected from a: drain",
    "client  closed",
    /nats_client_disconnects_total\{dialer_name="orders",nats_client_disconnect_reason="drain"\} 1/,
    /nats_client_reconnect_succeeded_total\{dialer_name="orders"\} [3-9]/,
    /nats_client_outage_duration_seconds_count\{dialer_name="orders"\} [3-9]/,
    /nats_client_publish_rejected_total\{dialer_name="orders"\} [1-9]/,
  ],
  "nats-auth.ts": [
    "accepted with user and password",
    "accepted with user and password in the URL",
    "accepted with token",
    "accepted with token in the URL",
    "accepted with nkey",
    "accepted with creds file",
    "auth_failed: dial",
    'permission_publish: PermissionViolationError: Permissions Violation for Publish to "secrets"',
    "disconnected: auth_expired",
    "reconnected with the new creds",
    "disconnected: drain",
  ],
  "nats-tls.ts": [
    "connected with the right CA",
    "not connected with another CA: tls_cert_untrusted",
    "not connected with the system's CAs: tls_cert_untrusted",
    "not connected under another name: tls_hostname",
    "connected with one by its CA",
    "not connected with none: tls_client_cert",
    /metrics {2}20\d\d-/,
  ],
  "nats-queue-workers.ts": [
    "boss  requests 36 jobs",
    /NATS client "ann" left \S+: local/,
    /NATS client "ben" left \S+: drain/,
    /has no answer to job \d+: requests it again/,
    /NATS client "cat" left \S+: drain/,
    /ann {3}has done [1-9]\d* jobs/,
    /ben {3}has done [1-9]\d* jobs/,
    /cat {3}has done [1-9]\d* jobs/,
    /36 of 36 jobs were done by one worker each, or requested again \([1-9]\d*\)/,
  ],
  "nats-graceful-shutdown.ts": [
    /NATS client connected to \S+ \(jobs /,
    "worker  SIGTERM: finishes its jobs",
    /NATS client left \S+: drain/,
    "NATS client is closed",
    /[1-9]\d* jobs done, [1-9]\d* found no worker, 0 lost/,
  ],
};

// Concurrent, since these tests mostly wait.
describe("the NATS examples", { concurrency: 4 }, () => {
  test("nats-graceful-shutdown.ts closes its worker at the deadline when the server does not answer", () =>
    shutDown(async (example) => {
      await example.printed("NATS client connected");
      await frozen(example, async () => {
        example.child.kill("SIGTERM");
        assert.equal(await example.ended(), 1, example.output);
        assertInOrder(example.output, ["SIGTERM: finishes", "worker  could not finish within 5000 ms"]);
      });
    }));

  for (const [file, lines] of Object.entries(stories)) {
    test(`${file} prints its steps, ends with exit code 0 and leaves no process or file behind`, () =>
      run(file, async (example) => {
        assert.equal(await example.ended(), 0, example.output);
        assertInOrder(example.output, lines);
      }));

    if (file === "nats-graceful-shutdown.ts") continue; // It handles the signal itself.
    test(`${file} removes its servers and files on Ctrl-C`, () =>
      run(file, async (example) => {
        await example.printed("is up on");
        example.child.kill("SIGINT");
        assert.equal(await example.ended(), 130, example.output);
      }));
  }

  test("nats-graceful-shutdown.ts ends with exit code 0 on Ctrl-C while it starts", () =>
    shutDown(async (example) => {
      await example.printed("is up on");
      example.child.kill("SIGINT");
      assert.equal(await example.ended(), 0, example.output);
    }));

  test("nats-graceful-shutdown.ts finishes its jobs on Ctrl-C", () =>
    shutDown(async (example) => {
      await example.printed("NATS client connected");
      example.child.kill("SIGINT");
      assert.equal(await example.ended(), 0, example.output);
      assertInOrder(example.output, ["SIGINT: finishes", ": drain", /[1-9] found no worker, 0 lost/]);
    }));

  test("nats-graceful-shutdown.ts ends on SIGTERM while its server is down", () =>
    shutDown(async (example) => {
      await example.printed("NATS client connected");
      process.kill(serverOf(example), "SIGKILL");
      await example.printed("NATS client lost");
      example.child.kill("SIGTERM");
      assert.equal(await example.ended(), 0, example.output);
      assertInOrder(example.output, ["SIGTERM: finishes", "had no connection for a drain"]);
    }));

  test("nats-graceful-shutdown.ts ends immediately on a second signal", () =>
    shutDown(async (example) => {
      await example.printed("NATS client connected");
      await frozen(example, async () => {
        example.child.kill("SIGTERM");
        await example.printed("SIGTERM: finishes");
        example.child.kill("SIGTERM");
        assert.equal(await example.ended(), 143, example.output);
        assert.doesNotMatch(example.output, /could not finish/);
      });
    }));

  for (const [file, command] of [
    ["nats-auth.ts", "nats-server"],
    ["nats-tls.ts", "openssl"],
  ] as const) {
    test(`${file} names ${command} when it is not on the PATH`, async () => {
      // A PATH without any command.
      await using example = startExample(file, [], { PATH: tmpdir() });
      assert.equal(await example.ended(), 1, example.output);
      assertInOrder(example.output, [`This example needs ${command} on the PATH`]);
    });
  }
});

/** Runs an example with a folder for its files, and asserts that it leaves no process and no file behind. */
async function run(
  file: string,
  check: (example: Example) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const folder = temporaryFolder();
  try {
    await using example = startExample(file, args, { TMPDIR: folder });
    await check(example);
    assert.ok(example.servers().length > 0, example.output);
    await example.leftNothing();
    const left = readdirSync(folder).filter((name) => name.startsWith("dialtrace-"));
    assert.deepEqual(left, [], example.output);
  } finally {
    removeFolder(folder);
  }
}

/** Runs the example of a graceful shutdown until `check` sends it a signal. */
function shutDown(check: (example: Example) => Promise<void>): Promise<void> {
  return run("nats-graceful-shutdown.ts", check, ["--stay"]);
}

function serverOf({ servers, output }: Example): number {
  const [pid] = servers();
  assert.ok(pid !== undefined, output);
  return pid;
}

/** Runs `check` while the example's server is frozen. */
async function frozen(example: Example, check: () => Promise<void>): Promise<void> {
  const pid = serverOf(example);
  await freezeProcess(pid);
  try {
    await check();
  } finally {
    await thawProcess(pid); // The example may have ended its server.
  }
}
