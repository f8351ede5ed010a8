import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { ConnectionRecord } from "../../src/nats/connection-record.ts";

const expired = new errors.UserAuthenticationExpiredError("User Authentication Expired");
const refused = new errors.AuthorizationError("Authorization Violation");
const denied = new errors.PermissionViolationError("Permissions Violation", "publish", "a");
const stale = new errors.ProtocolError("Stale Connection");
const failure = (code: string) => Object.assign(new Error(code), { code });
const reset = failure("ECONNRESET");

/** A record of a connection over `transport`, after `say` has been applied. */
function lost(transport: object | undefined, say: (record: ConnectionRecord) => void = () => {}) {
  const record = new ConnectionRecord();
  record.established({ getServer: () => "h:1", protocol: { transport } } as unknown as NatsConnection);
  say(record);
  const { server, reason, error } = record.lost();
  assert.equal(server, "h:1");
  return [reason, error];
}

async function socket(end: (socket: Duplex) => void): Promise<{ socket: Duplex }> {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), autoDestroy: false });
  stream.on("error", () => {});
  stream.resume();
  end(stream);
  await new Promise(setImmediate);
  return { socket: stream };
}

const destroyedWith = (error?: Error) => socket((stream) => stream.destroy(error));
const hungUp = () => socket((stream) => stream.push(null));

test("ConnectionRecord reads the reason of a loss from the socket", async () => {
  assert.deepEqual(lost(await hungUp()), ["remote", undefined]);
  assert.deepEqual(lost(await destroyedWith()), ["local", undefined]);
  for (const [code, reason] of [
    ["ECONNRESET", "reset"],
    ["EPIPE", "reset"],
    ["ETIMEDOUT", "timeout"],
    ["EHOSTUNREACH", "error"],
  ] as const) {
    const error = failure(code);
    assert.deepEqual(lost(await destroyedWith(error)), [reason, error]);
  }
});

test("ConnectionRecord reads only the close error of websockets and unknown transports", () => {
  assert.deepEqual(lost({ socket: {} }), ["remote", undefined]);
  assert.deepEqual(lost(undefined), ["remote", undefined]);
  assert.deepEqual(lost({ socket: {}, closeError: reset }), ["reset", reset]);
  assert.deepEqual(lost({ socket: {}, closeError: stale }), ["error", stale]);
});

test("the first announced reason decides, whatever the socket shows", async () => {
  const transport = await destroyedWith(reset);
  assert.deepEqual(
    lost(transport, (record) => record.expect("forced")),
    ["forced", reset],
  );
  const both = (record: ConnectionRecord) => {
    record.announceLameDuck();
    record.expect("forced");
  };
  assert.deepEqual(lost(transport, both), ["lame_duck", reset]);
});

test("refused credentials are the error of a loss even if a reset comes first", async () => {
  const transport = await destroyedWith(reset);
  assert.deepEqual(
    lost(transport, (record) => record.report(expired)),
    ["auth_expired", expired],
  );
  assert.deepEqual(
    lost(transport, (record) => record.report(refused)),
    ["error", refused],
  );
});

test("the server's last error is the error of a loss without a socket error, except denied permissions", async () => {
  const transport = await hungUp();
  assert.deepEqual(
    lost(transport, (record) => record.report(stale)),
    ["remote", stale],
  );
  assert.deepEqual(
    lost(transport, (record) => record.report(denied)),
    ["remote", undefined],
  );
});
