import assert from "node:assert/strict";
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../support/cli.ts";
import { unpackedConsumer } from "../support/consumer.ts";
import { goodPeer } from "../support/peers.ts";

test("the packed package has the command as an executable that runs", async () => {
  const { folder } = await unpackedConsumer();
  const packed = join(folder, "node_modules/dialtrace");
  const { bin, version } = JSON.parse(readFileSync(join(packed, "package.json"), "utf8"));
  assert.deepEqual(Object.keys(bin), ["dialtrace"]);
  const script = join(packed, bin.dialtrace);
  accessSync(script, constants.X_OK);
  assert.match(readFileSync(script, "utf8"), /^#!\/usr\/bin\/env node\n/);
  await using server = await goodPeer();
  assert.equal((await runCli(["--version"], { script })).stdout, `${version}\n`);
  assert.equal((await runCli(["--wait", "0", server.address], { script })).code, 0);
});

test("the command loads no package before it needs one", () => {
  const text = readFileSync("dist/cli.js", "utf8");
  const loaded = [...text.matchAll(/^(?:import|export) .*? from "([^"]+)"/gm)].map(([, name = ""]) => name);
  assert.ok(loaded.length > 3);
  for (const name of loaded) assert.match(name, /^(?:node:|\.\/cli\/)/);
});
