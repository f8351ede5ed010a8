import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "../../src/core/redact.ts";

for (const [text, blanked] of [
  ["h:1", "h:1"],
  ["", ""],
  ["nats://h:1", "nats://h:1"],
  ["user:secret@h:1", "***@h:1"],
  ["nats://user:secret@h:1", "nats://***@h:1"],
  ["nats://secret@h", "nats://***@h"],
  ["nats://user:se@cr@et@h", "nats://***@h"],
  ["nats://user:se/cr?e#t@h", "nats://***@h"],
  ["custom+proto://user:secret@", "custom+proto://***@"],
  ["@", "***@"],
  ["user:secret@", "***@"],
  ["://user:secret@h", "***@h"],
] as const) {
  test(`${text || "nothing"} becomes ${blanked || "nothing"}`, () => assert.equal(redact(text), blanked));
}
