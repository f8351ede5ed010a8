import assert from "node:assert/strict";
import { test } from "node:test";
import { compose, type Dialer, tcp, withFailover, withTrace } from "../../src/index.ts";
import { goodPeer } from "../support/peers.ts";

test("a hook that modifies the target or an address does not change where the dial connects", async () => {
  await using server = await goodPeer();
  const spoil = (info: object) => {
    for (const value of Object.values(info)) {
      for (const each of [value, ...(Array.isArray(value) ? value : [])]) {
        try {
          Object.assign(each, { host: "evil.invalid", address: "192.0.2.1", port: 1 });
        } catch {
          // The target is frozen.
        }
      }
      if (Array.isArray(value) && !Object.isFrozen(value)) value.length = 0;
    }
  };
  const lookup = (async () => [{ address: "127.0.0.1", family: 4 }]) as never;
  for (const host of ["127.0.0.1", "db.test"]) {
    const dial = compose(
      withTrace({ dialStart: spoil, attemptStart: spoil, dnsStart: spoil, dnsDone: spoil, connectStart: spoil }),
      tcp({ lookup }),
    );
    const socket = await dial(`${host}:${server.port}`);
    assert.equal(socket.remoteAddress, "127.0.0.1");
    socket.destroy();
  }
});

test("a policy that sorts or empties its candidates does not change the targets of withFailover", async () => {
  const dialed: string[] = [];
  const failover = withFailover({
    targets: ["a:1", "b:1"],
    policy: (candidates) => (candidates as (typeof candidates)[number][]).shift() as (typeof candidates)[number],
  });
  const base: Dialer<never> = async (target) => {
    dialed.push(String(target));
    throw new Error("down");
  };
  const dial = compose(failover, base);
  for (let n = 0; n < 3; n += 1) await assert.rejects(dial("db:1"), /down/);
  assert.deepEqual(dialed, ["a:1", "a:1", "a:1"]);
  assert.equal(failover.targets().length, 2);
});
