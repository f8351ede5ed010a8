import assert from "node:assert/strict";
import { test } from "node:test";
import { PublishLedger } from "../../src/nats/publish-ledger.ts";

/** A ledger of a client that is connected, and the client's own count. */
function connected() {
  const client = { outMsgs: 0 };
  const ledger = new PublishLedger(client);
  ledger.dialing();
  ledger.ponged();
  ledger.sending();
  const publish = (messages: number) => {
    client.outMsgs += messages;
  };
  return { ledger, publish };
}

test("the ledger counts as unconfirmed what was published after the PING of the last PONG", () => {
  const { ledger, publish } = connected();
  publish(3);
  ledger.pinged();
  publish(4);
  ledger.pinged();
  publish(5);
  ledger.ponged();
  ledger.disconnected();
  assert.equal(ledger.ofLastConnection, 9);
  assert.deepEqual(ledger.lost, { dropped: 0, unconfirmed: 9 });
});

test("the ledger counts nothing as lost when the last PONG followed the last message", () => {
  const { ledger, publish } = connected();
  publish(3);
  ledger.pinged();
  ledger.ponged();
  ledger.closed();
  assert.equal(ledger.ofLastConnection, 0);
  assert.deepEqual(ledger.lost, { dropped: 0, unconfirmed: 0 });
});

test("the ledger counts messages as dropped that were published after the connection, and once", () => {
  const { ledger, publish } = connected();
  publish(2);
  ledger.disconnected();
  publish(7);
  ledger.dialing();
  ledger.closed();
  ledger.closed();
  assert.deepEqual(ledger.lost, { dropped: 7, unconfirmed: 2 });
});

test("the PONG that answers CONNECT confirms no message, and a PONG without a PING confirms none", () => {
  const { ledger, publish } = connected();
  publish(2);
  ledger.ponged();
  ledger.disconnected();
  publish(3);
  ledger.dialing();
  publish(1);
  ledger.ponged();
  ledger.sending();
  ledger.disconnected();
  assert.deepEqual(ledger.lost, { dropped: 0, unconfirmed: 6 });
  assert.equal(ledger.ofLastConnection, 4);
});

test("a PING that waits for the next connection confirms the buffered messages, which are sent first", () => {
  const { ledger, publish } = connected();
  ledger.disconnected();
  publish(2);
  ledger.dialing();
  ledger.pinged();
  publish(3);
  ledger.ponged();
  ledger.sending();
  publish(4);
  ledger.ponged();
  ledger.disconnected();
  assert.deepEqual(ledger.lost, { dropped: 0, unconfirmed: 4 });
});

test("PINGs of a lost connection confirm nothing on the next one", () => {
  const { ledger, publish } = connected();
  publish(1);
  ledger.pinged();
  ledger.disconnected();
  ledger.dialing();
  ledger.ponged();
  ledger.sending();
  publish(5);
  ledger.ponged();
  ledger.disconnected();
  assert.deepEqual(ledger.lost, { dropped: 0, unconfirmed: 6 });
});
