import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { jsonLines, runCli } from "../support/cli.ts";
import { makeLinks } from "../support/links.ts";

const port = 4000;
const [alive4, alive6] = ["10.99.0.1", "fd99::1"];
const [hole4, hole6] = ["10.99.2.1", "fd99::2:1"];
const refusing6 = "fd99::3:1";
const unrouted6 = "2001:db8::1";

// Concurrent, because most of them wait for black holes, longer than the relay may be paused.
describe("a network with real round trips and black holes", { concurrency: true }, async () => {
  const links = await makeLinks();
  const skip = typeof links === "string" ? links : false;
  before(() => {
    if (skip) console.log(`test/cli/links: ${skip}`);
  });
  after(async () => {
    if (typeof links !== "string") await links[Symbol.asyncDispose]();
  });

  async function dialed(addresses: readonly string[], timeout = "6s") {
    assert.ok(typeof links !== "string");
    const all = ["--json", "--wait", "0", "-t", timeout, `db.test:${port}`];
    const { stdout, code } = await runCli(all, { names: { "db.test": addresses }, wrap: links.inside });
    const [dial, { verdict }] = jsonLines(stdout);
    return { dial, verdict, code };
  }

  const cases: readonly (readonly [what: string, addresses: readonly string[], code: number, verdict: RegExp])[] = [
    ["IPv6 is a black hole", [hole6, alive4], 0, /; IPv6 addresses time out, IPv4 answers: it is the IPv6 route$/],
    ["IPv4 is a black hole", [alive6, hole4], 0, /; IPv4 addresses time out, IPv6 answers: it is the IPv4 route$/],
    [
      "IPv6 has no route",
      [unrouted6, alive4],
      0,
      /; IPv6 addresses are unreachable, IPv4 answers: it is the IPv6 route$/,
    ],
    ["IPv6 refuses", [refusing6, alive4], 0, /; IPv6 addresses refuse, IPv4 answers: the server listens on IPv4 only$/],
    ["every address is a black hole", [hole6, hole4], 5, /does not answer at all 2 addresses: .* drops the packets$/],
  ];
  for (const [what, addresses, expected, pattern] of cases) {
    test(`the verdict names the cause where ${what}`, { skip }, async () => {
      const { dial, verdict, code } = await dialed(addresses, expected === 5 ? "1.5s" : undefined);
      assert.match(verdict, pattern, JSON.stringify(dial));
      assert.equal(code, expected);
      assert.equal(dial.addresses.length, 2);
    });
  }

  test("a race costs an application the delay of the next address, and a single dial shows it", { skip }, async () => {
    const { dial } = await dialed([hole6, alive4]);
    assert.ok(dial.phases.connect >= 250, JSON.stringify(dial));
  });
});
