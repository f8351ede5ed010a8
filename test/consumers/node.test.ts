import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type Consumer, unpackedConsumer } from "../support/consumer.ts";
import { commonJs, entries, esm } from "../support/consumer-programs.ts";

let consumer: Consumer;

before(async () => {
  consumer = await unpackedConsumer();
  consumer.write({ ...esm, ...commonJs });
});

const node = (...args: readonly string[]) => consumer.run(process.execPath, args);

test("a program of ES modules uses every entry", async () => {
  const { stdout, stderr } = await node("main.mjs");
  assert.match(stdout, /all checks passed/);
  assert.equal(stderr, "");
});

test("a CommonJS program uses every entry", async () => {
  const { stdout, stderr } = await node("main.cjs");
  assert.match(stdout, /all checks passed/);
  assert.equal(stderr, "");
});

test("import and require load the same modules, so that instanceof and every registry hold across both", async () => {
  const lists = Object.values(entries).map((entry) => `[await import("${entry}"), require("${entry}")]`);
  consumer.write({
    "both.mjs": `
import assert from "node:assert/strict";
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
let compared = 0;
for (const [imported, required] of [${lists.join(", ")}]) {
  assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
  for (const [name, value] of Object.entries(imported)) {
    assert.equal(value, required[name], name);
    compared += 1;
  }
}
const { compose, withRetry } = await import("dialtrace");
const { DialError, pool } = require("dialtrace");
const { scriptedDialer } = require("dialtrace/testing");
const dial = compose(withRetry({ maxAttempts: 2, initialBackoffMs: 0 }), scriptedDialer([new Error("x"), new Error("y")]));
await assert.rejects(pool({ dialer: dial }).acquire("a:1"), (error) => error instanceof DialError);
console.log(compared);
`,
  });
  const { stdout } = await node("both.mjs");
  assert.ok(Number(stdout) > 40, `compared ${stdout}`);
});

for (const [way, load] of [
  ["import", `await import("dialtrace")`],
  ["require", `(await import("node:module")).createRequire(import.meta.url)("dialtrace")`],
] as const) {
  test(`the root loads node:tls, node:http and node:crypto when first used, with ${way}`, async () => {
    consumer.write({
      "lazy.mjs": `
const loaded = () => ["crypto", "http", "tls"].filter((name) => process.moduleLoadList.includes("NativeModule " + name));
const before = loaded();
const { compose, tls } = ${load};
const after = loaded();
compose(tls());
console.log(JSON.stringify({ before, after, used: loaded() }));
`,
    });
    const { stdout } = await node("lazy.mjs");
    const { before, after, used } = JSON.parse(stdout);
    assert.deepEqual(after, before);
    assert.ok(!after.includes("tls"), `loaded: ${after}`);
    assert.ok(used.includes("tls"), `loaded: ${used}`);
  });
}

test("stack traces name the source files with --enable-source-maps", async () => {
  consumer.write({ "trace.cjs": `require("dialtrace").tcp({ noSuchOption: 1 });` });
  await assert.rejects(node("--enable-source-maps", "trace.cjs"), /dialtrace\/src\/dialers\/tcp\.ts:\d+/);
});
