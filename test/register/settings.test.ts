import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTarget } from "../../src/index.ts";
import { readSettings } from "../../src/register/settings.ts";

const places: readonly [value: string, host: string | undefined, port?: number][] = [
  ["9464", "127.0.0.1", 9464],
  ["0", "127.0.0.1", 0],
  ["0.0.0.0:9464", "0.0.0.0", 9464],
  ["localhost:80", "localhost", 80],
  ["[::1]:9464", "::1", 9464],
  [" 9464 ", "127.0.0.1", 9464],
  ["", undefined],
  ["off", undefined],
];

const badPlaces = ["65536", "x", ":9464", "1.2", "-1", "::1:9464", "[::1]", "http://localhost:1", "a b:1"];

const names: readonly [pattern: string, target: string, matches: boolean][] = [
  ["db.internal:5432", "db.internal:5432", true],
  ["db.internal:5432", "db.internal:5433", false],
  ["DB.internal", "db.internal:5433", true],
  ["db.internal", "xdb.internal:5433", false],
  ["db.internal", "dbxinternal:5433", false],
  [":5432", "10.0.0.1:5432", true],
  ["*:5432", "10.0.0.1:15432", false],
  ["*.internal", "a.b.internal:1", true],
  ["[::1]:5432", "[::1]:5432", true],
  ["unix:/run/*.sock", "unix:/run/pg.sock", true],
  ["*", "unix:/run/pg.sock", true],
];

describe("the variables of dialtrace/register", () => {
  for (const [value, host, port] of places) {
    it(`DIALTRACE_METRICS=${JSON.stringify(value)} is ${host === undefined ? "off" : `${host} and ${port}`}`, () => {
      const { metrics, problems } = readSettings({ DIALTRACE_METRICS: value });
      assert.deepEqual(metrics, host === undefined ? undefined : { host, port });
      assert.deepEqual(problems, []);
    });
  }

  for (const value of badPlaces) {
    it(`DIALTRACE_PAGE=${JSON.stringify(value)} is refused with a line, and counts as unset`, () => {
      const { page, problems } = readSettings({ DIALTRACE_PAGE: value });
      assert.equal(page, undefined);
      const rule = "must be a port from 0 to 65535, or host:port";
      assert.deepEqual(problems, [`DIALTRACE_PAGE ${rule}, got ${JSON.stringify(value)}`]);
    });
  }

  for (const [pattern, target, matches] of names) {
    it(`DIALTRACE_IGNORE=${pattern} ${matches ? "leaves out" : "does not leave out"} ${target}`, () => {
      assert.equal(readSettings({ DIALTRACE_IGNORE: pattern }).ignore?.(parseTarget(target)), matches);
    });
  }

  it("DIALTRACE_NAMES names a target by the first pattern that matches, and others default", () => {
    const { naming } = readSettings({ DIALTRACE_NAMES: "db.internal:5432=orders, *:5432 = other-db" });
    const named = ["db.internal:5432", "x:5432", "x:80"].map((target) => naming?.name(parseTarget(target)));
    assert.deepEqual(named, ["orders", "other-db", "default"]);
    assert.deepEqual(naming?.knownNames, ["orders", "other-db"]);
  });

  it("malformed values are refused, each with a line that names the expected form", () => {
    const env = { DIALTRACE: "maybe", DIALTRACE_LOG: "2", DIALTRACE_NAMES: "a", DIALTRACE_IGNORE: "a,,b" };
    const { problems, log, naming, ignore } = readSettings(env);
    assert.deepEqual(problems, [
      'DIALTRACE must be on or off, got "maybe"',
      'DIALTRACE_LOG must be 1 or pretty, got "2"',
      'DIALTRACE_NAMES must be pattern=name, separated by commas, such as *:5432=orders, got "a"',
      'DIALTRACE_IGNORE must be patterns of targets, separated by commas, such as *.internal:443, got "a,,b"',
    ]);
    assert.deepEqual([log, naming, ignore], [undefined, undefined, undefined]);
  });

  it("a misspelled variable is reported, and an unrelated one is not", () => {
    const { problems } = readSettings({ DIALTRACE_METRIC: "1", DIALTRACE_NATS_LINE: "v3" });
    assert.deepEqual(problems, ["unknown variable DIALTRACE_METRIC; did you mean DIALTRACE_METRICS?"]);
  });

  it("DIALTRACE=off turns everything off, in any case", () => {
    assert.deepEqual(
      ["off", "OFF", "0", "on", "1", "", undefined].map((value) => readSettings({ DIALTRACE: value }).off),
      [true, true, true, false, false, false, false],
    );
  });

  it("DIALTRACE_LOG=1 logs lines, and pretty logs waterfalls", () => {
    assert.deepEqual(
      ["1", "pretty", "0", ""].map((value) => readSettings({ DIALTRACE_LOG: value }).log),
      ["lines", "pretty", undefined, undefined],
    );
  });
});
