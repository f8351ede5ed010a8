import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { inspector } from "../../src/inspector.ts";

test("a program that ignores that its page cannot listen exits with 0", async () => {
  await using server = await inspector().listen();
  const program = `
    import { inspector } from "./src/inspector.ts";
    inspector().listen({ port: ${server.port} });
    setTimeout(() => {}, 100);
  `;
  execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], { stdio: "pipe" });
  await assert.rejects(inspector().listen({ port: server.port }), { code: "EADDRINUSE" });
});
