import assert from "node:assert/strict";
import { chmodSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";
import { removeFolder, temporaryFolder } from "../support/temporary.ts";
import { assertInOrder, type Example, startExample } from "./demo.ts";

const story: readonly (string | RegExp)[] = [
  /page {4}http:\/\/127\.0\.0\.1:\d+\//,
  "PostgreSQL is up on ",
  "Redis is up on ",
  "Each client's first request dials:",
  "postgres: success, attempts: 1",
  "redis: success, attempts: 1",
  "http: success, attempts: 1",
  "client  http answers hello",
  "Redis is killed:",
  /redis: connection closed, (remote|reset)/,
  "redis: refused, attempts: 2",
  "postgres still answers 1",
  "http still answers hello",
  "Redis comes back:",
  "redis: success",
  "redis answers PONG, to a command of the outage",
  "PostgreSQL refuses a password",
  "postgres: auth_failed, attempts: 1",
  'client  password authentication failed for user "app"',
  "The metrics:",
];

describe("the example of clients", { concurrency: 3 }, () => {
  test("clients.ts prints its steps, counts what it prints, ends with exit code 0 and leaves no process or file behind", () =>
    run([], async (example) => {
      assert.equal(await example.ended(), 0, example.output);
      assertInOrder(example.output, story);
      const dialed = /^dialer {2}\w+: (\w+), attempts: (\d+)/gm;
      // What is printed before the metrics is what they count.
      const [before = ""] = example.output.split("The metrics:");
      const dials = [...before.matchAll(dialed)].map(([, outcome, attempts]) => ({
        outcome,
        attempts: Number(attempts),
      }));
      const failed = dials.filter(({ outcome }) => outcome !== "success");
      const sum = (of: typeof dials) => of.reduce((total, { attempts }) => total + attempts, 0);
      assertInOrder(example.output, [
        `dialer_attempt_started_total{dialer_name="orders"} ${sum(dials)}\n`,
        `dialer_dial_failed_total{dialer_name="orders"} ${failed.length}\n`,
        `page    orders: ${dials.length - failed.length} dials succeeded, ${failed.length} failed\n`,
      ]);
    }));

  test("clients.ts removes its servers and files on Ctrl-C in the middle of its steps", () =>
    run([], async (example) => {
      await example.printed("is up on", 2);
      example.child.kill("SIGINT");
      assert.equal(await example.ended(), 130, example.output);
    }));

  test("clients.ts --stay continues after its steps, serves the live page, and ends on Ctrl-C", () =>
    run(["--stay"], async (example) => {
      await example.printed("Ctrl-C ends the program");
      const [url = ""] = /http:\/\/127\.0\.0\.1:\d+\//.exec(example.output) ?? [];
      assert.match(await (await fetch(url)).text(), /<html/);
      example.child.kill("SIGINT");
      assert.equal(await example.ended(), 130, example.output);
    }));

  test("clients.ts names redis-server when it is not on the PATH", async () => {
    // A PATH without any command.
    await using example = startExample("clients.ts", [], { PATH: tmpdir() });
    assert.equal(await example.ended(), 1, example.output);
    assertInOrder(example.output, ["This example needs ", "redis-server on the PATH (Debian: redis-server)"]);
    assert.doesNotMatch(example.output, /is up on/);
  });
});

/** Runs the example with a folder for its files, and asserts that it leaves no process and no file behind. */
async function run(args: readonly string[], check: (example: Example) => Promise<void>): Promise<void> {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755); // PostgreSQL runs as an account of its own when the tests run as root.
  try {
    await using example = startExample("clients.ts", args, { TMPDIR: folder });
    await check(example);
    assert.ok(example.servers().length >= 2, example.output);
    await example.leftNothing();
    const left = readdirSync(folder).filter((name) => name.startsWith("dialtrace-"));
    assert.deepEqual(left, [], example.output);
  } finally {
    removeFolder(folder);
  }
}
