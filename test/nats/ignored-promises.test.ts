import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { connect, isV2 } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";

const states = ["connected", "busy", "draining", "reconnecting", "closing", "closed", "connecting"];

for (const state of states) {
  test(`a program that ignores every promise of a client that is ${state} exits with 0 and a silent stderr`, async () => {
    await using server = await startNats();
    const ended = await program(state, server.address, `127.0.0.1:${await freePort()}`);
    assert.equal(ended.stderr, "", `after ${ended.stdout}`);
    assert.equal(ended.code, 0, `after ${ended.stdout}`);
    assert.ok(ended.stdout.includes(state), "the program has run");
  });
}

test("a drain that a close cuts short still rejects for a caller that awaits it", async () => {
  await using server = await startNats();
  const nc = await connect({ servers: server.address });
  await server.freeze();
  const draining = nc.drain();
  await nc.close();
  // The drain of `nats` 2.x resolves if what it waits for fails.
  if (isV2) await draining;
  else await assert.rejects(draining);
  await assert.rejects(nc.flush());
  await assert.rejects(nc.drain());
});

function program(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const command = ["--import", "tsx", "test/support/ignored-promises.ts", ...args];
    execFile(process.execPath, command, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}
