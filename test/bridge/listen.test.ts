import assert from "node:assert/strict";
import { execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, Server } from "node:net";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { type BridgeListenOptions, bridge, proxyServer } from "../../src/bridge.ts";
import { tcp } from "../../src/index.ts";
import { blockLoop } from "../support/block.ts";
import { peer } from "../support/peers.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { findCommand } from "../support/tools.ts";
import { rawClient } from "./raw-client.ts";

const local = bridge({ dialer: tcp(), target: "127.0.0.1:1" });
const refusals: Readonly<Record<string, readonly [BridgeListenOptions, RegExp]>> = {
  "every interface": [{ host: "0.0.0.0" }, /host must be a loopback address, got "0\.0\.0\.0".*allow: "remote"/],
  "every interface of IPv6": [{ host: "::" }, /host must be a loopback address/],
  "a short form of every interface": [{ host: "0" }, /host must be a loopback address/],
  "a mapped address": [{ host: "::ffff:0.0.0.0" }, /host must be a loopback address/],
  "an address of another network": [{ host: "192.0.2.1" }, /host must be a loopback address/],
  "an unknown permission": [{ host: "0.0.0.0", allow: "all" as never }, /allow must be one of remote, got "all"/],
  "a path with a host": [{ path: "/tmp/x", host: "127.0.0.1" }, /path cannot be combined with host, port or allow/],
  "a path with a permission": [{ path: "/tmp/x", allow: "remote" }, /path cannot be combined with host, port or allow/],
  "an empty path": [{ path: "" }, /path must be the path of a file, got ""/],
  "a path with a NUL": [{ path: "\0x" }, /path must be the path of a file/],
  "an abstract socket": [{ path: "@x" }, /path must not start with @.*start it with \.\//],
  "a path that is too long": [{ path: `/tmp/${"x".repeat(200)}` }, /path must have at most \d+ bytes/],
  "a port that is too large": [{ port: 65_536 }, /port must be a whole number from 0 to 65535, got 65536/],
  "a misspelled option": [{ hots: "127.0.0.1" } as never, /unknown option hots; did you mean host\?/],
};

for (const [what, [options, message]] of Object.entries(refusals)) {
  test(`listen() refuses ${what} before it listens`, async () => {
    for (const server of [local, proxyServer({ dialer: tcp() })]) {
      await assert.rejects(server.listen(options), (error: NodeJS.ErrnoException) => {
        assert.match(error.message, message);
        assert.equal(error.code, "ERR_INVALID_OPTION");
        return true;
      });
    }
  });
}

test("listen() checks the address of a name, not the name", async () => {
  await using byName = await local.listen({ host: "localhost" });
  assert.match(byName.host, /^(127\.|::1$)/);
  await assert.rejects(local.listen({ host: "no-such-host.invalid" }), { code: /^(ENOTFOUND|EAI_AGAIN)$/ });
});

test('listen() accepts any interface with allow: "remote"', async () => {
  await using server = await local.listen({ host: "0.0.0.0", allow: "remote" });
  assert.equal(server.host, "0.0.0.0");
  await using loopback = await local.listen({ host: "127.0.0.1", allow: "remote" });
  assert.equal(loopback.host, "127.0.0.1");
});

test("listen() uses a free port of 127.0.0.1 by default, and describes where it listens", async () => {
  await using server = await local.listen();
  assert.equal(server.host, "127.0.0.1");
  assert.ok(server.port > 0);
  assert.equal(server.address, `127.0.0.1:${server.port}`);
  assert.equal(server.path, undefined);
  await using six = await local.listen({ host: "::1" });
  assert.equal(six.address, `[::1]:${six.port}`);
  const path = join(temporaryFolder(), "a.sock");
  await using unix = await local.listen({ path: relative(".", path) });
  assert.deepEqual([unix.path, unix.address, unix.host, unix.port], [path, `unix:${path}`, "", 0]);
});

test("one bridge can listen in several places", async () => {
  await using first = await local.listen();
  await using second = await local.listen();
  assert.notEqual(first.port, second.port);
  await first.close();
  await rawClient(second);
});

test("listen() rejects with EADDRINUSE when the port is taken", async () => {
  await using server = await local.listen();
  await assert.rejects(local.listen({ port: server.port }), { code: "EADDRINUSE" });
});

test("only the owner may connect to the socket file, which is removed when the server closes", async () => {
  const path = join(temporaryFolder(), "a.sock");
  const umask = process.umask(0);
  try {
    const server = await local.listen({ path });
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
    await server.close();
  } finally {
    process.umask(umask);
  }
  assert.ok(!existsSync(path));
});

test("a socket file that a killed process has left behind is replaced", async () => {
  const path = join(temporaryFolder(), "stale.sock");
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await once(spawn(process.execPath, ["-e", program]), "exit");
  assert.ok(lstatSync(path).isSocket());
  await using echo = await peer((socket) => socket.pipe(socket));
  await using server = await bridge({ dialer: tcp(), target: echo.address }).listen({ path });
  const client = await rawClient(server);
  client.socket.write("x");
  await client.receives((text) => text === "x");
  client.socket.destroy();
});

test("a socket with a listener is refused and keeps working", async () => {
  const path = join(temporaryFolder(), "live.sock");
  await using server = await local.listen({ path });
  const { ino } = lstatSync(path);
  await assert.rejects(local.listen({ path }), {
    code: "EADDRINUSE",
    message: /^bridge\.listen: path ".*live\.sock" is the socket of another listener; remove the file or choose/,
  });
  assert.equal(lstatSync(path).ino, ino);
  await server.close();
});

test("a path that is a file, a folder or a link is refused and left as it is", async () => {
  const folder = temporaryFolder();
  const [file, subfolder, link] = ["file", "folder", "link"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, "precious");
  mkdirSync(subfolder);
  symlinkSync(file, link);
  for (const path of [file, subfolder, link]) {
    await assert.rejects(local.listen({ path }), { code: "EADDRINUSE", message: /exists and is not a socket/ });
  }
  assert.equal(readFileSync(file, "utf8"), "precious");
  assert.ok(lstatSync(link).isSymbolicLink());
});

test("a path in a folder that does not exist is refused with the system's error", async () => {
  await assert.rejects(local.listen({ path: join(temporaryFolder(), "no", "a.sock") }), { code: /EACCES|ENOENT/ });
});

const noPython = findCommand("python3") === undefined && "python3 is not on the PATH";

test("a datagram socket at the path is refused", { skip: noPython }, async () => {
  const path = join(temporaryFolder(), "datagram.sock");
  const bind = `import socket, sys
bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
bound.bind(sys.argv[1])
print("bound", flush=True)
sys.stdin.read()`;
  const child = spawn("python3", ["-c", bind, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  await assert.rejects(local.listen({ path }), { code: "EADDRINUSE", message: /is the socket of another listener/ });
  assert.ok(existsSync(path));
  const gone = once(child, "exit");
  child.stdin.end();
  await gone;
});

test("another process's server that listens at the path without accepting is not replaced", async () => {
  const path = join(temporaryFolder(), "busy.sock");
  const other = createServer().listen(path);
  await once(other, "listening");
  await assert.rejects(local.listen({ path }), { code: "EADDRINUSE" });
  other.close();
});

test("an error of the listening socket is reported, and the server continues", async () => {
  const reported: string[] = [];
  const before = new Set(servers());
  await using server = await bridge({
    dialer: tcp(),
    target: "127.0.0.1:1",
    onError: (_error, { phase, reason, target }) => reported.push(`${phase} ${reason} ${target}`),
  }).listen();
  const [listening] = servers().filter((each) => !before.has(each));
  // What Node emits when accept() fails; libuv hides most shortages of descriptors.
  listening?.emit("error", Object.assign(new Error("accept EMFILE"), { code: "EMFILE", syscall: "accept" }));
  assert.deepEqual(reported, ["accept local_resource undefined"]);
  await rawClient(server);
});

test("a server that had no free descriptors accepts clients again once there are some", async () => {
  const program = `
    import { connect } from "node:net";
    import { once } from "node:events";
    import { openSync, closeSync } from "node:fs";
    import { bridge } from "./src/bridge.ts";
    let dials = 0;
    const dialer = (target, { signal }) => new Promise((_, reject) => {
      dials += 1;
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    const server = await bridge({ dialer, target: "db.internal:1" }).listen();
    const sockets = Array.from({ length: 5 }, () => connect(server.port, "127.0.0.1").on("error", () => {}));
    const files = [];
    try { for (;;) files.push(openSync("/dev/null")); } catch {}
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const file of files) closeSync(file);
    const before = dials;
    const late = connect(server.port, "127.0.0.1");
    await once(late, "connect");
    while (dials === before) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const socket of [...sockets, late]) socket.destroy();
    await server.close();
    console.log("closed", before);
  `;
  const said = execFileSync(
    "sh",
    ["-c", 'ulimit -n 200; exec "$0" --import tsx --input-type=module -e "$1"', process.execPath, program],
    { encoding: "utf8", timeout: 120_000 },
  );
  assert.match(said, /^closed [0-4]\n$/);
});

function servers(): Server[] {
  const { _getActiveHandles } = process as unknown as { _getActiveHandles(): unknown[] };
  return _getActiveHandles.call(process).filter((each) => each instanceof Server);
}

/** Leaves a socket file without a listener, as a killed process does. */
async function leaveStale(path: string): Promise<void> {
  const server = createServer().listen(`${path}.before`);
  await once(server, "listening");
  renameSync(`${path}.before`, path);
  server.close();
  await once(server, "close");
}

/** Sets the times of a file back by a minute. */
function makeOld(path: string): void {
  const time = new Date(Date.now() - 60_000);
  utimesSync(path, time, time);
}

/** Sets the times of a file to a minute ahead, so that it does not become old enough to be replaced at once. */
function makeYoung(path: string): void {
  const time = new Date(Date.now() + 60_000);
  utimesSync(path, time, time);
}

const python3 = findCommand("python3");
const withoutPython = python3 === undefined && "python3 is not installed";
test("a socket file whose process begins to listen while listen() waits is not replaced", {
  skip: withoutPython,
}, async () => {
  const path = join(temporaryFolder(), "early.sock");
  const program = `
import socket, sys
early = socket.socket(socket.AF_UNIX)
early.bind(sys.argv[1])
print("bound", flush=True)
sys.stdin.readline()
early.listen()
open(sys.argv[1] + ".listens", "w").close()
sys.stdin.read()
`;
  const python = spawn(python3 ?? "", ["-c", program, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exit = once(python, "exit");
  try {
    await once(python.stdout, "data");
    makeYoung(path);
    const listening = local.listen({ path }).then((server) => server.close());
    const listens = assert.rejects(listening, {
      code: "EADDRINUSE",
      message: /is the socket of another listener/,
    });
    await refusedConnect(path);
    python.stdin.write("listen\n");
    // While the event loop is blocked, listen() does not check again.
    for (let tries = 0; tries < 6_000 && !existsSync(`${path}.listens`); tries += 1) blockLoop(5);
    await listens;
    assert.ok(existsSync(path));
  } finally {
    python.kill("SIGKILL");
    await exit;
  }
});

test("a young stale socket file that is removed while listen() waits is not in use", async () => {
  const path = join(temporaryFolder(), "removed.sock");
  await leaveStale(path);
  const listens = local.listen({ path });
  await refusedConnect(path);
  rmSync(path);
  await using server = await listens;
  assert.equal(server.path, path);
});

test("a file that takes the place of a stale socket file while listen() waits is left as it is", async () => {
  const path = join(temporaryFolder(), "replaced.sock");
  await refusesReplaced(path, () => writeFileSync(path, "a file"));
  assert.equal(readFileSync(path, "utf8"), "a file");
});

test("a socket that takes the place of a stale socket file while listen() waits is left as it is", async () => {
  const path = join(temporaryFolder(), "taken.sock");
  await using taker = createServer();
  await refusesReplaced(path, () => taker.listen(path));
  assert.ok(taker.listening && existsSync(path));
});

/** Expects `listen()` to refuse a path on which `replace` puts something else in place of the stale socket file meanwhile. */
async function refusesReplaced(path: string, replace: () => unknown): Promise<void> {
  await leaveStale(path);
  const listens = assert.rejects(local.listen({ path }), { code: "EADDRINUSE" });
  await refusedConnect(path);
  rmSync(path);
  replace();
  await listens;
}

/** A connect that ends after those that were started before. */
async function refusedConnect(path: string): Promise<void> {
  await assert.rejects(once(connect(path), "connect"), { code: "ECONNREFUSED" });
}

/** The lock file of a process that replaces `path`. */
function lockOf(path: string): string {
  const { ino, mtimeNs } = lstatSync(path, { bigint: true });
  return `${path}.${ino}-${mtimeNs}.lock`;
}

test("a stale socket file that another process replaces is in use", async () => {
  const path = join(temporaryFolder(), "locked.sock");
  await leaveStale(path);
  makeOld(path);
  writeFileSync(lockOf(path), "");
  await assert.rejects(local.listen({ path }), { code: "EADDRINUSE" });
  assert.ok(existsSync(lockOf(path)));
});

test("a stale socket file is replaced when a process was killed while it replaced the file", async () => {
  const path = join(temporaryFolder(), "abandoned.sock");
  await leaveStale(path);
  makeOld(path);
  const lock = lockOf(path);
  writeFileSync(lock, "");
  makeOld(lock);
  await using server = await local.listen({ path });
  assert.deepEqual(readdirSync(dirname(path)), ["abandoned.sock"]);
  assert.equal(server.path, path);
});

test("exactly one of several processes that replace a stale socket file at the same time listens", async () => {
  const path = join(temporaryFolder(), "race.sock");
  const children = Array.from({ length: 4 }, () => fork("test/bridge/racing-listener.js", { execArgv: [] }));
  const answers = () => Promise.all(children.map(async (child) => (await once(child, "message"))[0]));
  const ask = async (message: object) => {
    const answered = answers();
    for (const child of children) child.send(message);
    return await answered;
  };
  try {
    await answers();
    for (let round = 1; round <= 15; round += 1) {
      await leaveStale(path);
      // An old file is replaced at once; in the first round, listen() waits until the file is old enough.
      if (round > 1) makeOld(path);
      const results = (await ask({ path })).sort();
      assert.deepEqual(results, ["EADDRINUSE", "EADDRINUSE", "EADDRINUSE", "listens"], `round ${round}`);
      await ask({});
      assert.deepEqual(readdirSync(dirname(path)), [], `round ${round}`);
    }
  } finally {
    for (const child of children) child.kill();
  }
});
