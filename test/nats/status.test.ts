import assert from "node:assert/strict";
import { test } from "node:test";
import { errorKind } from "../../src/nats/error-kind.ts";
import { readStatus } from "../../src/nats/status.ts";

test("readStatus returns statuses of nats-core unchanged", () => {
  const status = { type: "ldm", server: "h:1" } as const;
  assert.equal(readStatus(status), status);
});

const translations: [{ type: string; data: unknown }, object][] = [
  [
    { type: "disconnect", data: "h:1" },
    { type: "disconnect", server: "h:1" },
  ],
  [
    { type: "reconnect", data: "h:1" },
    { type: "reconnect", server: "h:1" },
  ],
  [
    { type: "ldm", data: "h:1" },
    { type: "ldm", server: "h:1" },
  ],
  [
    { type: "update", data: { added: ["h:1"], deleted: [] } },
    { type: "update", added: ["h:1"], deleted: [] },
  ],
  [{ type: "client initiated reconnect", data: "" }, { type: "forceReconnect" }],
];
for (const [older, status] of translations) {
  test(`readStatus translates the status ${older.type} of nats 2.x`, () => {
    assert.deepEqual(readStatus(older), status);
  });
}

test("readStatus translates the code and the permission context of an error of nats 2.x", () => {
  const permissionContext = { operation: "subscription", subject: "a" };
  for (const [more, kind] of [
    [{ data: "AUTHENTICATION_EXPIRED" }, "auth"],
    [{ data: "PERMISSIONS_VIOLATION", permissionContext }, "permission_subscribe"],
    [{ data: "NATS_PROTOCOL_ERR" }, "protocol"],
  ] as const) {
    const older = { type: "error", ...more };
    const status = readStatus(older);
    assert.ok(status.type === "error");
    assert.equal(errorKind(status.error), kind);
  }
});
