import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readTarget } from "../../src/cli/cli-target.ts";
import { exitCodeOf, exitCodeOfAll, exitCodes } from "../../src/cli/exit-codes.ts";
import { helpText } from "../../src/cli/help.ts";
import { optionNames } from "../../src/cli/option-table.ts";
import { readCommand, type Settings } from "../../src/cli/settings.ts";
import { cells } from "../../src/cli/terminal.ts";
import { reasons } from "../../src/index.ts";
import { runCli } from "../support/cli.ts";
import { nkeyUser } from "../support/nats-auth.ts";
import { temporaryFile } from "../support/temporary.ts";

const settings = (...argv: string[]) => readCommand(argv) as Settings;
const refused = (...argv: string[]) => {
  try {
    readCommand(argv);
  } catch (error) {
    assert.equal((error as Error).name, "UsageError");
    return (error as Error).message;
  }
  return assert.fail(`accepted: ${argv.join(" ")}`);
};

describe("arguments", () => {
  test("a misspelled option is refused with a suggestion of the right one", () => {
    assert.equal(refused("--tiemout", "5", "h:1"), "unknown option --tiemout; did you mean --timeout?");
    assert.equal(refused("--pasword=geheim", "h:1"), "unknown option --pasword; did you mean --password?");
    assert.match(refused("-Z", "h:1"), /^unknown option -Z; the options are --watch, /);
  });

  test("a value that is missing, unexpected or swallowed by the next option is refused", () => {
    assert.match(refused("h:1", "--timeout"), /^--timeout needs a value: --timeout TIME/);
    assert.match(refused("h:1", "--timeout="), /^--timeout needs a value/);
    assert.match(refused("--timeout", "--watch", "h:1"), /^--timeout needs a value/);
    assert.equal(refused("--watch=yes", "h:1"), "--watch takes no value");
    assert.equal(refused("-c", "1", "--count", "2", "h:1"), "--count is given twice");
    assert.equal(settings("-c", "1", "--password=-x", "-u", "n", "nats://h:1").credentials.password, "-x");
  });

  test("a credential or a TLS option that no target can use is refused", () => {
    const message = "has no effect without a target of nats://; write the target with its scheme";
    assert.equal(refused("--token", "geheim", "h:4222"), `--token ${message}`);
    assert.equal(refused("--tls-first", "tls://h", "https://h"), `--tls-first ${message}`);
    assert.match(refused("--ca", "file", "h:1", "http://h"), /^--ca has no effect without a target of tls:\/\/, https/);
    assert.match(refused("--user", "a", "--password", "geheim", "h:1"), /^--user has no effect/);
    assert.match(refused("--alpn", "h2", "https://h"), /^--alpn has no effect without a target of tls:\/\/;/);
    assert.equal(settings("--ca", "file", "h:1", "rediss://h").tls.caFile, "file");
  });

  test("names of protocols and servers that cannot be sent are refused before anything is dialed", async () => {
    for (const text of [",", "h2,,x", "x".repeat(256)]) {
      assert.match(refused("--alpn", text, "tls://h"), /^--alpn must be names of 1 to 255 bytes, separated by commas/);
    }
    const { code, stdout, stderr } = await runCli(["--servername", "a\nb", "nats://127.0.0.1:1"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^dialtrace: --servername must be a name or an IP address, got "a\\nb"$/m);
  });

  test("the path of a URL is requested as it is written, with leading slashes, backslashes and a query", () => {
    const paths = {
      "//a/b": "//a/b",
      "/\\a": "//a",
      "//": "//",
      "?a=//b": "/?a=//b",
      "": "/",
      "#f": "/",
    };
    for (const [given, path] of Object.entries(paths)) assert.equal(readTarget(`http://host:80${given}`).path, path);
  });

  test("times are in seconds or have a unit", () => {
    const cases = { "5": 5000, "0.5": 500, "250ms": 250, "2s": 2000, "1.5m": 90_000, "1h": 3_600_000 };
    for (const [text, ms] of Object.entries(cases)) assert.equal(settings("-t", text, "h:1").timeoutMs, ms);
    for (const text of ["0", "x", "1d", "1e3", "Infinity", "100h9", "9999h", " 5"]) {
      assert.match(refused("-t", text, "h:1"), /^--timeout must be a time of at least 1 ms/);
    }
  });

  test("counts, ports, methods and families are checked", () => {
    for (const text of ["0", "1.5", "x", "9999999999"])
      assert.match(refused("-c", text, "h:1"), /^--count must be a whole/);
    for (const text of ["x", "70000", "[::1", "h:"])
      assert.match(refused("-w", "--metrics", text, "h:1"), /^--metrics must be a port/);
    assert.deepEqual(settings("-w", "--metrics", "[::1]:9", "h:1").repetition?.metrics, { host: "::1", port: 9 });
    assert.deepEqual(settings("-w", "--metrics", "9", "h:1").repetition?.metrics, { host: "127.0.0.1", port: 9 });
    assert.equal(refused("--method", "POST", "h:1"), "--method must be GET or HEAD");
    assert.equal(refused("-4", "-6", "h:1"), "give -4 or -6, not both");
    assert.equal(refused("--proxy", "http://p", "--no-proxy", "h:1"), "give --proxy or --no-proxy, not both");
    assert.equal(refused("--cert", "c", "h:1"), "--cert and --key must be given together");
  });

  test("options of TLS that cannot be used end with 2 and name the option", async () => {
    const cases = [
      ["--servername", "a b"],
      ["--alpn", "h2,,x"],
    ] as const;
    for (const [option, value] of cases) {
      const { code, stderr } = await runCli([option, value, "tls://127.0.0.1:1"]);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^dialtrace: ${option} must be [^\\n]+\\nTry dialtrace --help\\.\\n$`));
    }
    const { code, stdout, stderr } = await runCli(["--ca", "/nowhere/ca.pem", "tls://127.0.0.1:1"]);
    assert.equal(code, 2);
    assert.match(stdout, /caFile \/nowhere\/ca\.pem cannot be read/);
    assert.equal(stderr, "");
  });

  test("options that need another one are refused without it", () => {
    assert.equal(refused("--interval", "1", "h:1"), "--interval needs --watch or --count");
    assert.equal(refused("--metrics", "1", "h:1"), "--metrics needs --watch or --count");
    assert.equal(refused("--password", "x", "h:1"), "--password needs --user");
    assert.equal(refused("--user", "x", "--token", "y", "h:1"), "give one of --user and --token");
    assert.match(refused(), /^a target is missing/);
  });

  test("errors about credentials files show no part of a secret, not even of a secret given in place of a path", () => {
    const { seed } = nkeyUser();
    const messages = [
      refused("--nkey", seed, "h:1"),
      refused("--nkey", temporaryFile("seed", seed.slice(0, 40)), "h:1"),
      refused("--creds", temporaryFile("creds", `garbage ${seed}`), "h:1"),
      refused("--user", "n", "--password-file", "geheim", "h:1"),
      refused("--token-file", temporaryFile("empty", "\n"), "h:1"),
    ];
    assert.match(messages[0] ?? "", /^--nkey: the file cannot be read: E/);
    assert.match(messages[1] ?? "", /^--nkey: the file contains no readable credentials$/);
    for (const message of messages) assert.doesNotMatch(message, new RegExp(`geheim|${seed.slice(0, 10)}`));
  });
});

describe("targets", () => {
  test("each form of a target has its protocol, port and printed text", () => {
    const cases: Readonly<Record<string, readonly [string, string]>> = {
      "db:5432": ["tcp", "db:5432"],
      "[::1]:22": ["tcp", "[::1]:22"],
      "user:geheim@db:5432": ["tcp", "db:5432"],
      "unix:/run/x.sock": ["tcp", "unix:/run/x.sock"],
      "tls://db": ["tls", "tls://db:443"],
      "TLS://db:1": ["tls", "tls://db:1"],
      "https://u:geheim@db/a?geheim#geheim": ["https", "https://db:443/a"],
      "http://db": ["http", "http://db:80"],
      "nats://geheim@db": ["nats", "nats://db:4222"],
      "redis://:geheim@db": ["tcp", "redis://db:6379"],
      "rediss://db": ["tls", "rediss://db:6379"],
      "postgres://u:geheim@db/orders": ["tcp", "postgres://db:5432"],
      "https://bücher.example/ä": ["https", "https://xn--bcher-kva.example:443/%C3%A4"],
    };
    for (const [text, [protocol, shown]] of Object.entries(cases)) {
      const target = readTarget(text);
      assert.deepEqual([target.protocol, target.text], [protocol, shown]);
    }
  });

  test("an invalid target is refused without its password", () => {
    for (const text of ["db", "u:geheim@db", "nats://u:ge/heim@db:1", "http://u:geheim@", "tls://u:geheim@h:99999"]) {
      const message = refused(text);
      assert.match(message, /^invalid target /);
      assert.doesNotMatch(message, /geheim|ge\/heim/);
    }
  });
});

describe("the help", () => {
  test("the help names every option and every exit code, within the width", () => {
    for (const columns of [60, 80, 200]) {
      const text = helpText(columns);
      for (const name of optionNames) assert.ok(text.includes(`--${name}`), name);
      for (const code of Object.keys(exitCodes)) assert.match(text, new RegExp(`^  ${code} +\\S`, "m"));
      const [, options = ""] = text.split("Options:");
      for (const line of options.split("\n")) assert.ok(cells(line) <= columns, line);
    }
  });

  test("--help and --version end with 0, and a usage error with 2 on standard error", async () => {
    assert.deepEqual(await runCli(["--help"]), { code: 0, stdout: helpText(80), stderr: "" });
    assert.match((await runCli(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
    const { code, stdout, stderr } = await runCli(["--bogus-option", "h:1"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^dialtrace: unknown option --bogus-option; .*\nTry dialtrace --help\.\n$/);
  });
});

describe("exit codes", () => {
  test("every reason has a documented exit code that is not 0", () => {
    for (const reason of reasons) assert.ok(exitCodeOf[reason] > 0 && exitCodeOf[reason] in exitCodes, reason);
  });

  test("failures of one class end with the code of the class, and failures of several classes end with 1", () => {
    assert.equal(exitCodeOfAll([]), 0);
    assert.equal(exitCodeOfAll([5, 5]), 5);
    assert.equal(exitCodeOfAll([5, 3]), 1);
  });
});
