import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions, UsageError } from "../../examples/demo/options.ts";

test("the demo without arguments runs until Ctrl-C, on free ports", () => {
  assert.deepEqual(readOptions([]), {
    seconds: undefined,
    upAfter: 2.5,
    downAfter: 4,
    downFor: 3,
    port: undefined,
    metricsPort: undefined,
    smallServer: false,
    spans: false,
  });
});

test("the demo parses every option", () => {
  const args = ["--seconds", "20", "--up-after=0", "--down-after", "1.5", "--down-for", "2", "--small-server"];
  assert.deepEqual(readOptions([...args, "--port", "14222", "--metrics-port=19464", "--spans"]), {
    seconds: 20,
    upAfter: 0,
    downAfter: 1.5,
    downFor: 2,
    port: 14_222,
    metricsPort: 19_464,
    smallServer: true,
    spans: true,
  });
  assert.equal(readOptions(["--help", "--seconds", "20"]), "help");
});

for (const [args, message] of [
  [["--bogus", "--port=4222", "extra", "-q"], "unknown arguments: --bogus, extra, -q; see --help"],
  [["--verbose"], "unknown argument: --verbose; see --help"],
  [["--toString"], "unknown argument: --toString; see --help"],
  [["--seconds", "soon"], "--seconds must be a number of seconds from 0 to 86400, got soon"],
  [["--seconds=-1"], "--seconds must be a number of seconds from 0 to 86400, got -1"],
  [["--seconds"], "--seconds must be a number of seconds from 0 to 86400, got nothing"],
  [["--seconds", "--small-server"], "--seconds must be a number of seconds from 0 to 86400, got --small-server"],
  [["--seconds="], "--seconds must be a number of seconds from 0 to 86400, got nothing"],
  [["--port", "0"], "--port must be a port from 1 to 65535, got 0"],
  [["--metrics-port", "1.5"], "--metrics-port must be a port from 1 to 65535, got 1.5"],
  [["--small-server=yes"], "--small-server takes no value, got yes"],
] as const) {
  test(`the demo rejects "${args.join(" ")}" with: ${message}`, () => {
    assert.throws(
      () => readOptions(args),
      (error) => error instanceof UsageError && error.message === message,
    );
  });
}
