import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import { compose, type DialError, type Handshake, tcp, withFailover, withTrace } from "../../src/index.ts";
import { goodPeer } from "../support/peers.ts";

const words = `\u001b[31m\u0007\u202eFAKE${"Z".repeat(20_000)}`;

function isClean(text: string): boolean {
  return !["\u001b", "\u0007", "\u202e", "Z".repeat(1100)].some((part) => text.includes(part));
}

/** Returns the error of a dial whose handshake throws, and the events of its hooks. */
async function failureOf(thrown: unknown): Promise<{ error: DialError; told: unknown[] }> {
  await using server = await goodPeer();
  const told: unknown[] = [];
  const note = ({ error }: { error?: unknown }) => void told.push(error);
  const dial = compose(withTrace({ handshakeDone: note, attemptDone: note, dialDone: note } as never), tcp());
  const handshake: Handshake<Socket> = () => Promise.reject(thrown);
  const error = await dial(`127.0.0.1:${server.port}`, { handshake }).then(
    () => assert.fail("the dial must fail"),
    (error: DialError) => error,
  );
  return { error, told };
}

const cases: Readonly<Record<string, () => unknown>> = {
  "the fields of an ordinary error": () =>
    Object.assign(new Error("x"), { code: words, detail: words, hostname: words }),
  "the errors of an AggregateError": () => new AggregateError([new Error(words), new Error("y")], "both failed"),
  "the errors of a cause": () => new Error("x", { cause: new AggregateError([new Error(words)], "all failed") }),
  "a thrown string": () => words,
};

for (const [what, thrown] of Object.entries(cases)) {
  test(`the error and the events of a failed handshake are printable and short: ${what}`, async () => {
    const { error, told } = await failureOf(thrown());
    assert.equal(told.length, 3);
    for (const each of [error, ...told]) {
      assert.ok(isClean(inspect(each, { depth: 9 })), inspect(each, { depth: 9 }).slice(0, 500));
      for (const text of [String(each), String((each as Error).stack), JSON.stringify(each)]) assert.ok(isClean(text));
    }
  });
}

test("the cause of a failed discovery is printable and short", async () => {
  const discover = () => Promise.reject(new Error(words));
  const dial = compose(withFailover({ discover: discover as never }), tcp());
  await assert.rejects(dial("db:1"), (error: DialError) => isClean(inspect(error, { depth: 9 })));
});

test("names of events and attributes reported by a handshake are printable and short", async () => {
  await using server = await goodPeer();
  const names: string[] = [];
  const dial = compose(
    withTrace({
      handshakeEvent: ({ name }) => void names.push(name),
      handshakeDone: ({ protocol }) => void names.push(...Object.keys(protocol?.attributes ?? {})),
    }),
    tcp(),
  );
  const socket = await dial(`127.0.0.1:${server.port}`, {
    handshake: async (conn, context) => {
      context.event(words);
      context.describe({ name: "x", attributes: { [words]: 1 } });
      return conn;
    },
  });
  socket.destroy();
  assert.equal(names.length, 2);
  for (const name of names) assert.ok(isClean(name));
});
