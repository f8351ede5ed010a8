import assert from "node:assert/strict";
import { test } from "node:test";
import type { Authenticator, ConnectionOptions } from "@nats-io/transport-node";
import type { FileCredentials } from "../../src/nats/credentials.ts";
import { Refusals } from "../../src/nats/refusals.ts";
import { stoppedClock } from "./stopped-clock.ts";

const violation = new Error("Authorization Violation");
const expired = new Error("'User Authentication Expired'");

/** A `Refusals` over an authenticator, and a function that offers its credentials to a refusing server. */
function rule(authenticator: Authenticator, more: ConnectionOptions = {}) {
  const options: ConnectionOptions = { ...more, authenticator };
  const refusals = new Refusals(options, undefined);
  const server = {};
  return {
    refusals,
    server,
    refuse(error: Error, { by = server, certificate }: { by?: object; certificate?: string } = {}): boolean {
      refusals.dialing(by);
      (options.authenticator as Authenticator)("nonce");
      refusals.add(error, certificate);
      return refusals.isFinal;
    },
  };
}

test("two refusals of the same credentials with the same message are final, whatever the signatures", () => {
  let signatures = 0;
  const { refuse } = rule(() => ({ nkey: "U1", sig: String(++signatures) }));
  assert.equal(refuse(violation), false);
  assert.equal(refuse(violation), true);
});

test("an expiry and a violation count as different refusals, and two of the same kind are final", () => {
  const { refuse } = rule(() => ({ jwt: "a", nkey: "U1", sig: "" }));
  assert.deepEqual([refuse(expired), refuse(violation), refuse(expired), refuse(expired)], [false, false, false, true]);
});

test("refusals by different servers are counted separately", () => {
  const { refuse } = rule(() => ({ auth_token: "t" }));
  assert.equal(refuse(violation), false);
  assert.equal(refuse(violation, { by: {} }), false);
});

test("a refusal before a connection that was accepted does not count", () => {
  const { refuse, refusals, server } = rule(() => ({ auth_token: "t" }));
  refuse(violation);
  refusals.dialing(server);
  refusals.accepted();
  assert.equal(refuse(violation), false);
});

test("a different client certificate counts as different credentials", () => {
  const { refuse } = rule(() => undefined);
  assert.equal(refuse(violation, { certificate: "AA" }), false);
  assert.equal(refuse(violation, { certificate: "BB" }), false);
  assert.equal(refuse(violation, { certificate: "BB" }), true);
});

test("ignoreAuthErrorAbort makes no refusal final", () => {
  const { refuse } = rule(() => ({ auth_token: "t" }), { ignoreAuthErrorAbort: true });
  assert.deepEqual([refuse(violation), refuse(violation), refuse(violation)], [false, false, false]);
});

test("only the first refusal of a dial counts", () => {
  const { refuse, refusals } = rule(() => ({ auth_token: "t" }));
  refuse(violation);
  refusals.add(violation);
  assert.equal(refusals.isFinal, false);
});

test("a refused credentials file that has changed is offered without a wait, even if a scrape has read it first", async (t) => {
  stoppedClock(t);
  let onDisk = 1;
  let version = 1;
  const authenticator: Authenticator = () => ({ auth_token: `t${version}` });
  const file: FileCredentials = {
    authenticator,
    isStale: false,
    get version() {
      return version;
    },
    refresh: async () => {
      version = onDisk;
    },
  };
  const options: ConnectionOptions = { authenticator };
  const refusals = new Refusals(options, file);
  const server = {};
  const refused = () => {
    refusals.dialing(server);
    (options.authenticator as Authenticator)("nonce");
    refusals.add(violation);
  };
  refused();
  assert.ok((await refusals.minWaitMs(server)) > 0, "the file has not changed");
  onDisk = 2;
  assert.equal(await refusals.minWaitMs(server), 0, "the wait itself reads the change");
  assert.equal(await refusals.minWaitMs(server), 0, "the change was read earlier");
  refused();
  assert.ok((await refusals.minWaitMs(server)) > 0, "the new content is refused as well");
});

test("after a violation only the same server waits 2 s; after an expiry all servers wait", async (t) => {
  stoppedClock(t);
  const { refuse, refusals, server } = rule(() => ({ auth_token: "t" }));
  assert.equal(await refusals.minWaitMs(server), 0);
  refuse(violation);
  const wait = await refusals.minWaitMs(server);
  assert.ok(wait >= 2_000 && wait <= 2_200, `${wait} ms`);
  assert.equal(await refusals.minWaitMs({}), 0);
  refuse(expired);
  assert.ok((await refusals.minWaitMs({})) >= 2_000);
});
