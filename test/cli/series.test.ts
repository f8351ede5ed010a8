import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import type { Io } from "../../src/cli/io.ts";
import { main } from "../../src/cli/main.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";
import { jsonLines, runCli, startCli } from "../support/cli.ts";
import { natsPeer } from "../support/nats-peer.ts";
import { freePort, goodPeer, peer } from "../support/peers.ts";
import { activeResources, openSockets, openTimers, until } from "../support/resources.ts";

describe("a series of dials", () => {
  test("--count dials that many times, and prints a line for each dial and a summary", async () => {
    await using server = await goodPeer();
    const { code, stdout } = await runCli(["--count", "7", "--interval", "0", server.address]);
    assert.equal(code, 0);
    await until(() => server.accepted === 7, "every dial is accepted");
    assert.equal([...stdout.matchAll(/^\d\d:\d\d:\d\d {2}127\.0\.0\.1:\d+ .*connect [\d.]+ m?s$/gm)].length, 7);
    assert.match(stdout, /^7 dials, 7 succeeded, 0 failed\nmin .*, median .*, p99 .*, max .*\n( +≤ .*\n)+$/m);
  });

  test("dials of several targets run at the same time, and each target has its summary", async () => {
    await using server = await goodPeer();
    const down = `127.0.0.1:${await freePort()}`;
    const { code, stdout } = await runCli(["-c", "3", "-i", "0", server.address, down]);
    assert.equal(code, 4);
    const [, lines = ""] = stdout.split("\n\n");
    assert.match(lines, new RegExp(`^${server.address}\n3 dials, 3 succeeded, 0 failed`));
    assert.match(stdout, new RegExp(`\n\n${down}\n3 dials, 0 succeeded, 3 failed \\(100.0%\\)\n +3 {2}refused\n$`));
    assert.match(stdout, /refused: dial 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
  });

  test("a target that does not answer does not delay the dials to the others", async () => {
    await using server = await goodPeer();
    await using silent = await peer((socket) => socket.resume());
    const args = ["--watch", "-t", "1h", "-i", "1ms", `nats://${silent.address}`, server.address];
    const running = startCli(args);
    await until(() => server.accepted >= 5 && silent.accepted > 0, "the other target is dialed again");
    assert.equal(silent.accepted, 1);
    running.child.kill("SIGINT");
    assert.equal((await running.ended).code, 0);
  });

  test("a pipe gets whole lines, however long", async () => {
    const name = `${"n".repeat(60)}.test`;
    const { stdout } = await runCli(["-c", "1", `${name}:1`], { names: { [name]: [] } });
    assert.match(stdout, new RegExp(`getaddrinfo ENOTFOUND ${name}$`, "m"));
  });

  test("--json prints one object per line, the summaries last, and --quiet prints only the summaries", async () => {
    await using server = await goodPeer();
    const { stdout } = await runCli(["--json", "-c", "3", "-i", "0", server.address]);
    assert.deepEqual(
      jsonLines(stdout).map(({ type }) => type),
      ["dial", "dial", "dial", "summary"],
    );
    const quiet = await runCli(["--json", "--quiet", "-c", "3", "-i", "0", server.address]);
    const [summary, ...others] = jsonLines(quiet.stdout);
    assert.deepEqual(others, []);
    assert.deepEqual([summary.dials, summary.succeeded, summary.failed, summary.reasons], [3, 3, 0, {}]);
    for (const name of ["minMs", "medianMs", "p99Ms", "maxMs"]) assert.ok(summary[name] > 0, name);
  });

  test("the summary shows a flapping server", async () => {
    let nth = 0;
    await using server = await natsPeer((socket) => {
      nth += 1;
      socket.write(nth % 2 === 0 ? "PONG\r\n" : "-ERR 'maximum connections exceeded'\r\n");
    });
    const { code, stdout } = await runCli(["-c", "6", "-i", "0", `nats://${server.address}`]);
    assert.equal(code, 9);
    assert.match(stdout, /^6 dials, 3 succeeded, 3 failed \(50\.0%\)$/m);
    assert.match(stdout, /^ +3 {2}server_limit$/m);
  });

  test("SIGTERM ends a wait of an hour with the summary", async () => {
    await using server = await goodPeer();
    const running = startCli(["--watch", "-i", "1h", server.address]);
    await running.until(/connect/);
    running.child.kill("SIGTERM");
    const { code, stdout } = await running.ended;
    assert.equal(code, 0);
    assert.match(stdout, /^1 dials, 1 succeeded, 0 failed$/m);
  });

  test("a reader that ends early, as head does, ends the command without an error", async () => {
    await using server = await goodPeer();
    const running = startCli(["--watch", "-i", "0", server.address]);
    await running.until(/connect/);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    assert.equal(code, 0);
    assert.equal(stderr, "");
  });

  test("--metrics serves the dials' counts under each target's name until the series ends", async () => {
    await using server = await goodPeer();
    const running = startCli(["--watch", "-i", "5ms", "--metrics", "0", server.address]);
    let told = "";
    running.child.stderr?.on("data", (text) => {
      told += text;
    });
    await running.until(/(connect.*\n.*){3}/);
    await until(() => /metrics at/.test(told), "the URL is told");
    const url = /^metrics at (http:\/\/127\.0\.0\.1:\d+\/metrics)$/m.exec(told)?.[1] ?? "";
    const text = await (await fetch(url)).text();
    const established = prometheusName(instruments.connectionEstablished);
    const series = new RegExp(`^${established}\\{dialer_name="${server.address}"\\} (\\d+)$`, "m");
    const count = Number(series.exec(text)?.[1]);
    assert.ok(count >= 3, text.slice(0, 2000));
    assert.equal((await fetch(url.replace("/metrics", "/"))).status, 404);
    assert.equal((await fetch(url, { method: "POST" })).status, 405);
    running.child.kill("SIGINT");
    assert.equal((await running.ended).code, 0);
    await assert.rejects(fetch(url));
  });

  test("a metrics port that is taken ends with 2", async () => {
    await using server = await goodPeer();
    const { code, stderr } = await runCli(["-c", "1", "--metrics", String(server.port), server.address]);
    assert.equal(code, 2);
    assert.match(stderr, /^dialtrace: --metrics: listen EADDRINUSE/);
  });
});

describe("leaks", () => {
  const left = () => openSockets() + openTimers();
  const servers = () => activeResources().TCPServerWrap ?? 0;

  function captured(interrupt: AbortSignal): Io {
    const out = new PassThrough().resume();
    return { out, err: out, env: {}, interrupt };
  }

  test("no socket, server or timer is left after dials of every kind, and the caller's signal has no listener", async () => {
    await using good = await goodPeer();
    await using nats = await natsPeer();
    await using silent = await peer((socket) => socket.resume());
    await using http = await peer((socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")),
    );
    const down = `127.0.0.1:${await freePort()}`;
    const targets = [good.address, `nats://${nats.address}`, `tls://${silent.address}`, `http://${http.address}`, down];
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    Object.assign(signal, {
      addEventListener(...args: Parameters<typeof addEventListener>) {
        listeners += 1;
        addEventListener.apply(signal, args);
      },
      removeEventListener(...args: Parameters<typeof removeEventListener>) {
        listeners -= 1;
        removeEventListener.apply(signal, args);
      },
    });
    const before = left();
    for (const args of [
      ["--wait", "20ms"],
      ["-c", "5", "-i", "0"],
      ["-c", "2", "-i", "0", "--metrics", "0"],
    ]) {
      assert.equal(await main(["-t", "200ms", ...args, ...targets], captured(signal), "1"), 1);
    }
    await until(
      () => [good, nats, silent, http].every(({ open }) => open.size === 0),
      "the servers have no connection",
    );
    await until(() => left() <= before, "no socket or timer is left");
    await until(() => servers() === 4, "only the peers listen");
    assert.equal(listeners, 0);
  });

  test("an interrupt ends dials and waits at once and leaves nothing", async () => {
    await using silent = await peer((socket) => socket.resume());
    const before = left();
    for (const args of [[], ["--watch"]]) {
      const controller = new AbortController();
      const ended = main(["-t", "1h", ...args, `tls://${silent.address}`], captured(controller.signal), "1");
      await until(() => silent.open.size > 0, "the dial is in progress");
      controller.abort();
      assert.equal(await ended, 130);
      await until(() => silent.open.size === 0, "the connection is closed");
    }
    await until(() => left() <= before, "no socket or timer is left");
  });

  test("an interrupt before the first dial dials nothing", async () => {
    await using server = await goodPeer();
    for (const args of [[], ["--watch"]]) {
      assert.equal(await main([...args, server.address], captured(AbortSignal.abort()), "1"), 130);
    }
    assert.equal(server.accepted, 0);
  });
});

test("the command does not read standard input", async () => {
  await using server = await goodPeer();
  const running = startCli(["--wait", "0", server.address]);
  // The input stays open.
  const [code] = await once(running.child, "exit");
  assert.equal(code, 0);
  running.child.stdin?.destroy();
});

test("output that cannot be written ends the command with 1 and a message", async () => {
  await using server = await goodPeer();
  for (const args of [["--wait", "0", server.address], ["--help"], ["--count", "2", "-i", "0", server.address]]) {
    const wrap = (command: readonly string[]) => ["sh", "-c", 'exec "$@" > /dev/full', "sh", ...command];
    const { code, stderr } = await runCli(args, { wrap });
    assert.equal(code, 1);
    assert.match(stderr, /^dialtrace: the output cannot be written: ENOSPC/);
  }
});
