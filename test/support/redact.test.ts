import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "../../src/support/redact.ts";

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
  ["nats://h:x?password=secret", "nats://h:x?***"],
  ["nats://h:x/path#secret", "nats://h:x/path#***"],
  ["nats://user:secret@h:x?password=secret", "nats://***@h:x?***"],
  ["nats://h:x?password=sec@ret", "nats://***"],
  ["nats://h:x/?a=1&password=sec@ret#more", "nats://***"],
  ["h:x?token=secret\nmore", "h:x?***"],
  ["h:x?", "h:x?"],
] as const) {
  test(`redact converts ${text || "an empty string"} to ${blanked || "an empty string"}`, () =>
    assert.equal(redact(text), blanked));
}
