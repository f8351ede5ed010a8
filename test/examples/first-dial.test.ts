import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

test("examples/first-dial.ts retries, connects, closes and counts its dial", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", "examples/first-dial.ts"]);
  assert.match(stderr, /could not connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  assert.match(stderr, /attempt 2 to dial \S+ in \d+ ms because: refused/);
  assert.match(stdout, /connection to \S+ established in \d+ ms after \d attempts/);
  assert.match(stdout, /the server echoed "hello"/);
  assert.match(stdout, /connection to \S+ closed after .* \(local\), 5 B in, 5 B out/);
  assert.match(stdout, /dialer_attempt_started_total\{dialer_name="echo"\} \d\n/);
});
