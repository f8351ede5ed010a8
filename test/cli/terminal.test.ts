import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { cells, clip, styleOf, wrap } from "../../src/cli/terminal.ts";
import { runCli, startCli } from "../support/cli.ts";
import { freePort, goodPeer, peer } from "../support/peers.ts";

const red = "\u001b[31m";

describe("text", () => {
  test("text is broken at words, long words are split, and no line exceeds the width", () => {
    const text = `one two three ${"x".repeat(70)} 漢字漢字漢字漢字漢字漢字漢字 🙂🙂🙂 end`;
    const lines = wrap("label  ", text, 30).split("\n");
    for (const line of lines) assert.ok(cells(line) <= 30, line);
    assert.ok(lines[0]?.startsWith("label  one"));
    assert.ok(lines.slice(1).every((line) => line.startsWith("       ")));
    assert.equal(
      lines
        .map((line) => line.slice(7))
        .join("")
        .replaceAll(" ", ""),
      text.replaceAll(" ", ""),
    );
  });

  test("wide characters count as two columns and combining marks as none", () => {
    assert.deepEqual(["abc", "漢字", "e\u0301", "🙂", "ä"].map(cells), [3, 4, 1, 2, 1]);
    assert.equal(clip("漢字漢字", 5), "漢字…");
    assert.equal(clip("abc", 3), "abc");
  });

  test("colors need a terminal, and NO_COLOR or TERM=dumb turn them off", () => {
    const terminal = { isTTY: true, columns: 100 };
    assert.deepEqual(styleOf(terminal, {}), { columns: 100, colors: true, isTerminal: true });
    assert.equal(styleOf(terminal, { NO_COLOR: "1" }).colors, false);
    assert.equal(styleOf(terminal, { NO_COLOR: "" }).colors, true);
    assert.equal(styleOf(terminal, { TERM: "dumb" }).colors, false);
    assert.deepEqual(styleOf({}, {}), { columns: 80, colors: false, isTerminal: false });
    assert.equal(styleOf({ isTTY: true, columns: 20 }, {}).columns, 60);
    assert.equal(styleOf({}, { COLUMNS: "abc" }).columns, 80);
  });
});

describe("under a pseudo-terminal", () => {
  test("the output has colors under a terminal, and none with NO_COLOR or in a pipe", async () => {
    const target = `127.0.0.1:${await freePort()}`;
    const colored = await runCli([target], { columns: 80 });
    assert.equal(colored.code, 4);
    assert.ok(colored.stdout.includes(`${red}verdict`));
    for (const options of [{ columns: 80, env: { NO_COLOR: "1" } }, {}]) {
      const { stdout, code } = await runCli([target], options);
      assert.equal(code, 4);
      assert.ok(!stdout.includes("\u001b"));
    }
  });

  for (const columns of [40, 60, 80, 120]) {
    test(`no line is wider than a terminal of ${columns} columns, or than 60`, async () => {
      await using server = await peer((socket) =>
        socket.write(`${"long words ".repeat(20)}${"y".repeat(300)}漢字\r\n`),
      );
      const name = `${"a".repeat(60)}.test`;
      const down = `${name}:${await freePort()}`;
      const names = { [name]: ["127.0.0.1", "127.0.0.2"] };
      const limit = Math.max(60, columns);
      const args = ["--wait", "20s", server.address, down];
      const once = await runCli(args, { columns, names });
      const series = await runCli(["-c", "2", "-i", "0", ...args], { columns, names });
      for (const { stdout } of [once, series]) {
        const lines = stripVTControlCharacters(stdout).split(/\r?\n/);
        assert.ok(lines.length > 8);
        for (const line of lines) assert.ok(cells(line) <= limit, `${cells(line)} columns: ${line}`);
      }
    });
  }

  test("a server's control characters reach no output", async () => {
    const hostile = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe\r\u0008\u200b";
    await using server = await peer((socket) => socket.write(`220 ${hostile}\r\n`));
    await using nats = await peer((socket) => socket.write(`-ERR '${hostile}'\r\n`));
    await using http = await peer((socket) =>
      socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\nserver: a\u009b31mb\r\n\r\n`)),
    );
    const targets = [server.address, `nats://${nats.address}`, `http://${http.address}`];
    for (const args of [targets, ["-c", "1", ...targets], ["--json", ...targets]]) {
      const { stdout } = await runCli(["--wait", "20s", ...args], { columns: 100, env: { NO_COLOR: "1" } });
      assert.doesNotMatch(stdout, /(?![\r\n])[\p{Cc}\p{Cf}]/u);
      assert.ok(!/\r(?!\n)/.test(stdout));
    }
  });

  test("Ctrl-C ends a series with the summary", async () => {
    await using server = await goodPeer();
    const running = startCli(["--watch", "-i", "10ms", server.address], { columns: 80 });
    await running.until(/(\d\d:\d\d:\d\d .*\s+){3}/);
    running.child.stdin?.write("\u0003");
    const { code, stdout } = await running.ended;
    assert.equal(code, 0);
    const text = stripVTControlCharacters(stdout);
    assert.match(
      text,
      /\r\n\d+ dials, \d+ succeeded, 0 failed\r\nmin [\d.]+ m?s, median [\d.]+ m?s, p99 [\d.]+ m?s, max [\d.]+ m?s\r\n/,
    );
    assert.match(text, /≤ +[\d.]+ m?s +█+▌? +\d+\r\n/);
  });

  test("Ctrl-C ends a single dial with 130 and the verdict that it was interrupted", async () => {
    await using silent = await peer((socket) => socket.resume());
    const running = startCli(["-t", "60s", `tls://${silent.address}`], { columns: 80 });
    while (silent.accepted === 0) await new Promise((done) => setTimeout(done, 5));
    running.child.stdin?.write("\u0003");
    const { code, stdout } = await running.ended;
    assert.equal(code, 130);
    assert.match(stripVTControlCharacters(stdout), /verdict {6}interrupted before an answer/);
  });
});
