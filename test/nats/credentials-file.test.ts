import assert from "node:assert/strict";
import { test } from "node:test";
import { fileCredentials } from "../../src/nats/credentials.ts";
import { isSecret, readCredentialsFile } from "../../src/nats/credentials-file.ts";
import { nkeyUser, operatorMode } from "../support/nats-auth.ts";
import { connecting } from "../support/nats-client.ts";
import { library } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { temporaryFile } from "../support/temporary.ts";

const connect = connecting();
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The same text as written by various editors and tools. */
const spellings: readonly (readonly [what: string, write: (text: string) => Uint8Array])[] = [
  ["as nsc writes it", utf8],
  ["with CRLF line ends", (text) => utf8(text.replaceAll("\n", "\r\n"))],
  ["with CR line ends", (text) => utf8(text.replaceAll("\n", "\r"))],
  ["with a byte order mark", (text) => utf8(`\uFEFF${text}`)],
  ["with a byte order mark and CRLF line ends", (text) => utf8(`\uFEFF${text.replaceAll("\n", "\r\n")}`)],
  ["in UTF-16, little endian", (text) => Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["in UTF-16, big endian", (text) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16()],
  ["with trailing spaces and tabs", (text) => utf8(text.replaceAll("\n", " \t\n"))],
  ["with indented lines", (text) => utf8(text.replaceAll("\n", "\n    "))],
  ["with blank lines between all lines", (text) => utf8(text.replaceAll("\n", "\n\n"))],
  [
    "with text before, between and after",
    (text) => utf8(`# owner: orders.example.test\n${text}\n# SUPPORT: see wiki\n`),
  ],
  ["without a line end at its end", (text) => utf8(text.trimEnd())],
  ["without decoration", (text) => utf8(text.replaceAll(/^.*(---|\*\*\*).*$/gm, ""))],
];

const decorated = (seed: string) => `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;

for (const [what, write] of spellings) {
  test(`a creds file ${what} is accepted by path and as bytes`, async () => {
    const operator = await operatorMode();
    await using server = await startNats([], operator.config);
    const creds = write(await operator.creds());
    for (const option of [temporaryFile("user.creds", creds), creds]) {
      const nc = await connect({ servers: server.address, creds: option });
      await nc.close();
    }
  });

  test(`a decorated nkey seed file ${what} is accepted by path and as bytes`, async () => {
    const { publicKey, seed } = nkeyUser();
    await using server = await startNats([], `authorization { users: [ { nkey: ${publicKey} } ] }`);
    const nkeySeed = write(decorated(seed));
    for (const option of [temporaryFile("user.nk", nkeySeed), nkeySeed]) {
      const nc = await connect({ servers: server.address, nkeySeed: option });
      await nc.close();
    }
  });
}

test("nkeySeed reads the seed of a creds file, as Go's nkeys does", async () => {
  const creds = await (await operatorMode()).creds();
  const { seed } = readCredentialsFile(utf8(creds));
  assert.ok(seed !== undefined && creds.includes(seed));
  assert.doesNotThrow(() => fileCredentials(library, { nkeySeed: utf8(creds) }));
});

test("a creds file that is cut short anywhere before its seed ends is incomplete", async () => {
  const whole = await (await operatorMode()).creds();
  const { jwt, seed = "" } = readCredentialsFile(utf8(whole));
  assert.ok(jwt !== undefined);
  const seedEnd = whole.indexOf(seed) + seed.length;
  for (let end = 0; end < seedEnd; end += 1) {
    assert.throws(() => fileCredentials(library, { creds: utf8(whole.slice(0, end)) }), TypeError, `cut at ${end}`);
  }
  assert.doesNotThrow(() => fileCredentials(library, { creds: utf8(whole.slice(0, seedEnd)) }));
});

test("a seed with a wrong checksum is refused without showing it", () => {
  const { seed } = nkeyUser();
  // The lowest two bits of the last character are padding, so "B" would decode as "A" does.
  const broken = `${seed.slice(0, -1)}${seed.endsWith("A") ? "E" : "A"}`;
  assert.throws(
    () => fileCredentials(library, { nkeySeed: utf8(decorated(broken)) }),
    (error: Error) => error.message === "connect: nkeySeed contains no readable credentials",
  );
});

test("creds refuses a string that is the secret itself, without showing it", async () => {
  const { seed } = nkeyUser();
  const creds = await (await operatorMode()).creds();
  const { jwt = "" } = readCredentialsFile(utf8(creds));
  for (const secret of [seed, `\uFEFF${seed}`, decorated(seed), creds, `# mine\r\n${creds}`, jwt, ` ${jwt}`]) {
    assert.throws(
      () => fileCredentials(library, { creds: secret }),
      (error: Error) => /as a string is a path/.test(error.message) && !/SU[A-Z2-7]{10}|eyJ/.test(error.message),
    );
  }
});

test("isSecret accepts unusual paths", () => {
  for (const path of [
    "/run/secrets/user.creds",
    "./money-credentials.prod.creds",
    "C:\\keys\\a.b.creds",
    "SUPPLY.creds",
  ]) {
    assert.equal(isSecret(path), false, path);
  }
});
