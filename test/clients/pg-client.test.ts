/** The dials of `pgClient`, which last until the server accepts queries. */
import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import pg from "pg";
import { pgClient } from "../../src/clients.ts";
import { compose, DialTimeoutError, tcp, withRetry, withTimeout, withTrace } from "../../src/index.ts";
import { authority } from "../support/certificates.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { seededRandom } from "../support/random.ts";
import { openSockets, until } from "../support/resources.ts";
import { type PostgresServer, postgresUser, startPostgres } from "../support/servers/postgres.ts";

const ca = authority();
let server: PostgresServer;
let sockets = 0;
before(async () => {
  server = await startPostgres({ maxConnections: 4, tls: ca.issue({ name: "localhost" }) });
  sockets = openSockets();
});
after(() => server.stop());

const nothingOpen = () => until(() => openSockets() <= sockets, "every socket is closed");

/** A dialer with a retry, and the ends of its dials, attempts and handshakes. */
function observed(base = tcp()) {
  const ends: string[] = [];
  const protocols: (string | undefined)[] = [];
  const errors: unknown[] = [];
  const layer = withTrace({
    handshakeDone({ outcome, reason, protocol }) {
      ends.push(`handshake ${reason ?? outcome}`);
      protocols.push(protocol?.name);
    },
    attemptDone: ({ outcome, reason }) => void ends.push(`attempt ${reason ?? outcome}`),
    dialDone({ outcome, reason, error }) {
      ends.push(`dial ${reason ?? outcome}`);
      errors.push(error);
    },
  });
  const dialer = compose(layer, withRetry({ maxAttempts: 3, initialBackoffMs: 1 }), base);
  return { dialer, ends, protocols, errors };
}

const config = (more: pg.ClientConfig = {}): pg.ClientConfig => ({
  ...postgresUser,
  host: "127.0.0.1",
  port: server.port,
  ...more,
});

const streamOf = (client: pg.Client) => (client as unknown as { connection: { stream: Socket } }).connection.stream;

async function failureOf(client: pg.Client): Promise<Error & { code?: string; reason?: string }> {
  client.on("error", () => {});
  return client.connect().then(
    () => assert.fail("it has connected"),
    (error) => error,
  );
}

test("a dial of pgClient has ended, with a handshake, when connect() resolves", async () => {
  const { dialer, ends, protocols } = observed();
  const client = new (pgClient(pg.Client, dialer))(config());
  await client.connect();
  assert.deepEqual(ends, ["handshake success", "attempt success", "dial success"]);
  assert.deepEqual(protocols, ["postgresql"]);
  assert.ok(client instanceof pg.Client);
  await client.end();
  await nothingOpen();
});

test("connect() of pgClient takes a callback, and the class takes a connection string", async () => {
  const { dialer, ends } = observed();
  const { user, password, database } = postgresUser;
  const client = new (pgClient(pg.Client, dialer))(
    `postgres://${user}:${password}@127.0.0.1:${server.port}/${database}`,
  );
  await new Promise<void>((resolve, reject) =>
    client.connect((error: Error | null) => (error ? reject(error) : resolve())),
  );
  assert.equal(ends.at(-1), "dial success");
  await client.end();
  await nothingOpen();
});

test("a wrong password fails the dial of pgClient once, with auth_failed, and the user gets pg's own error", async () => {
  const { dialer, ends, errors } = observed();
  const error = await failureOf(new (pgClient(pg.Client, dialer))(config({ password: "hunter2" })));
  assert.ok(error instanceof pg.DatabaseError);
  assert.equal(error.code, "28P01");
  assert.deepEqual(ends, ["handshake auth_failed", "attempt auth_failed", "dial auth_failed"]);
  const [failed] = errors as { code: string; cause: unknown }[];
  assert.equal(failed?.code, "28P01");
  assert.equal(failed?.cause, error);
  assert.doesNotMatch(inspect(errors, { depth: 10 }), /hunter2/);
  await nothingOpen();
});

test("a role that does not exist fails the dial of pgClient with auth_failed", async () => {
  const { dialer, ends } = observed();
  const error = await failureOf(new (pgClient(pg.Client, dialer))(config({ user: "unknown" })));
  assert.match(String(error.code), /^28/);
  assert.equal(ends.at(-1), "dial auth_failed");
  await nothingOpen();
});

test("a missing password fails the dial of pgClient with auth_failed", async () => {
  const { dialer, ends } = observed();
  const error = await failureOf(new (pgClient(pg.Client, dialer))(config({ password: undefined })));
  assert.match(error.message, /^SASL/);
  assert.equal(ends.at(-1), "dial auth_failed");
  await nothingOpen();
});

test("a database that does not exist fails the dial of pgClient with config", async () => {
  const { dialer, ends } = observed();
  const error = await failureOf(new (pgClient(pg.Client, dialer))(config({ database: "none" })));
  assert.equal(error.code, "3D000");
  assert.equal(ends.at(-1), "dial config");
  await nothingOpen();
});

test("too many connections fail the dial of pgClient with server_limit, which is not retried", async () => {
  const { dialer, ends } = observed();
  const Client = pgClient(pg.Client, dialer);
  const clients: pg.Client[] = [];
  let error: Error & { code?: string } = new Error("none");
  for (let count = 0; count < 10 && error.code !== "53300"; count += 1) {
    const client = new Client(config()).on("error", () => {});
    clients.push(client);
    await client.connect().catch((thrown) => {
      error = thrown;
    });
  }
  assert.equal(error.code, "53300");
  assert.deepEqual(ends.slice(-3), ["handshake server_limit", "attempt server_limit", "dial server_limit"]);
  await Promise.all(clients.slice(0, -1).map((client) => client.end()));
  await nothingOpen();
});

test("a pool of pgClient gets the same classes of failures, and its dials have one owner", async () => {
  const owners = new Set<unknown>();
  const dialer = compose(withTrace({ dialStart: ({ owner }) => void owners.add(owner) }), tcp());
  const Client = pgClient(pg.Client, dialer);
  const pool = new pg.Pool({ ...config(), max: 2, Client });
  const answers = await Promise.all([1, 2, 3].map((number) => pool.query("select $1::int as n", [number])));
  assert.deepEqual(
    answers.map(({ rows }) => rows[0]?.n),
    [1, 2, 3],
  );
  assert.deepEqual([...owners], [Client]);
  await pool.end();
  await nothingOpen();
});

test("TLS inside the protocol is part of the dial of pgClient: a wrong authority is tls_cert_untrusted", async () => {
  const { dialer, ends } = observed();
  const Client = pgClient(pg.Client, dialer);
  const good = new Client(config({ ssl: { ca: ca.cert, host: "localhost" } }));
  await good.connect();
  assert.equal(ends.at(-1), "dial success");
  await good.end();
  await failureOf(new Client(config({ ssl: { ca: authority("another").cert, host: "localhost" } })));
  assert.deepEqual(ends.slice(-2), ["attempt tls_cert_untrusted", "dial tls_cert_untrusted"]);
  await nothingOpen();
});

test("a server that closes during the login fails the dial of pgClient with handshake_closed, which is not retried", async () => {
  await using closing = await peer((socket) => socket.once("data", () => socket.end()));
  const { dialer, ends } = observed();
  const client = new (pgClient(pg.Client, dialer))(config({ port: closing.port }));
  assert.match((await failureOf(client)).message, /terminated unexpectedly/);
  assert.deepEqual(ends, ["handshake handshake_closed", "attempt handshake_closed", "dial handshake_closed"]);
  assert.equal(closing.accepted, 1);
});

test("a server that resets during the login fails the dial of pgClient with reset, which is not retried", async () => {
  await using resetting = await peer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const { dialer, ends } = observed();
  const client = new (pgClient(pg.Client, dialer))(config({ port: resetting.port }));
  assert.equal((await failureOf(client)).code, "ECONNRESET");
  assert.deepEqual(ends.slice(-2), ["attempt reset", "dial reset"]);
  assert.equal(resetting.accepted, 1);
});

test("a connect that fails before the login is retried by the dialer of pgClient", async () => {
  let dials = 0;
  const base = tcp();
  const { dialer, ends } = observed(async (target, options) => {
    dials += 1;
    if (dials < 3) throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    return base(target, options);
  });
  const client = new (pgClient(pg.Client, dialer))(config());
  await client.connect();
  assert.deepEqual(
    ends.filter((end) => end.startsWith("attempt")),
    ["attempt refused", "attempt refused", "attempt success"],
  );
  await client.end();
  await nothingOpen();
});

test("a timeout of the dialer ends the login of pgClient, and connect() rejects with it", async () => {
  await using silent = await goodPeer();
  const { ends, dialer } = observed();
  const bounded = compose(withTimeout({ timeoutMs: 200 }), dialer);
  const error = await failureOf(new (pgClient(pg.Client, bounded))(config({ port: silent.port })));
  assert.ok(error instanceof DialTimeoutError);
  assert.equal(error.code, "ETIMEDOUT");
  assert.deepEqual(ends.slice(-1), ["dial timeout"]);
  await until(() => silent.open.size === 0, "the server sees the connection closed");
});

test("connectionTimeoutMillis during the login cancels the dial of pgClient, and connect() rejects with pg's own error", async () => {
  await using silent = await goodPeer();
  // Connected before the client's timeout begins, which must end the login.
  const conn = await tcp()(silent.address);
  const { ends, dialer } = observed(async () => conn);
  const client = new (pgClient(pg.Client, dialer))(config({ port: silent.port, connectionTimeoutMillis: 200 }));
  assert.match((await failureOf(client)).message, /timeout expired/);
  assert.deepEqual(ends, ["handshake canceled", "attempt canceled", "dial canceled"]);
  await until(() => silent.open.size === 0, "the server sees the connection closed");
});

test("a client of pgClient whose stream is destroyed during the login, as pg.Pool does, cancels its dial, and connect() rejects", async () => {
  await using silent = await goodPeer();
  const { ends, dialer } = observed();
  const client = new (pgClient(pg.Client, dialer))(config({ port: silent.port }));
  const failed = failureOf(client);
  await until(() => silent.accepted === 1, "it has connected");
  streamOf(client).destroy();
  assert.match((await failed).message, /terminated/);
  assert.deepEqual(ends.slice(-1), ["dial canceled"]);
  await until(() => silent.open.size === 0, "the server sees the connection closed");
});

test("end() during the login cancels the dial of pgClient, and connect() rejects", async () => {
  await using silent = await goodPeer();
  const { ends, dialer } = observed();
  const client = new (pgClient(pg.Client, dialer))(config({ port: silent.port }));
  const failed = failureOf(client);
  await until(() => silent.accepted === 1 && streamOf(client).bytesWritten > 0, "it logs in");
  await client.end();
  assert.equal((await failed).name, "AbortError");
  assert.deepEqual(ends.slice(-1), ["dial canceled"]);
  await until(() => silent.open.size === 0, "the server sees the connection closed");
});

test("end() before the connection exists cancels the dial of pgClient, and connect() rejects", async () => {
  const { ends, dialer } = observed(
    (_target, { signal } = {}) => once(new EventTarget(), "never", { signal }) as never,
  );
  const client = new (pgClient(pg.Client, dialer))(config());
  const failed = failureOf(client);
  await client.end();
  assert.equal((await failed).name, "AbortError");
  assert.deepEqual(ends, ["attempt canceled", "dial canceled"]);
});

test("the signal of the options cancels dials of pgClient, and never a connection", async () => {
  const abort = new AbortController();
  await using silent = await goodPeer();
  const { ends, dialer } = observed();
  const Client = pgClient(pg.Client, dialer, undefined, { signal: abort.signal });
  const connected = new Client(config());
  await connected.connect();
  const failed = failureOf(new Client(config({ port: silent.port })));
  await until(() => silent.accepted === 1, "it has connected");
  abort.abort(new Error("shutting down"));
  assert.match((await failed).message, /shutting down/);
  assert.equal(ends.at(-1), "dial canceled");
  assert.deepEqual((await connected.query("select 1 as one")).rows, [{ one: 1 }]);
  await connected.end();
  assert.deepEqual(getEventListeners(abort.signal, "abort"), []);
  await nothingOpen();
});

test("pgClient logs in over a connection whose bytes are forwarded, after the caller's own handshake", async () => {
  const { dialer, ends } = observed();
  let handshakes = 0;
  const Client = pgClient(pg.Client, dialer, undefined, {
    handshake: async (conn) => {
      handshakes += 1;
      // The handle of a socket with replaced methods is not adopted.
      return Object.assign(conn, { read: conn.read.bind(conn) });
    },
  });
  const client = new Client(config());
  await client.connect();
  assert.deepEqual((await client.query("select 1 as one")).rows, [{ one: 1 }]);
  await client.end();
  assert.equal(handshakes, 1);
  assert.equal(ends.at(-1), "dial success");
  await nothingOpen();
});

test("a second connect() of pgClient rejects, and the first connects", async () => {
  const { dialer, ends } = observed();
  const client = new (pgClient(pg.Client, dialer))(config());
  const first = client.connect();
  await assert.rejects(client.connect(), {
    message: "pgClient: connect() can be called only once; create another client",
  });
  await first;
  assert.equal(ends.at(-1), "dial success");
  await client.end();
  await nothingOpen();
});

test("100 clients of pgClient that are ended at random moments leave nothing open, and each dial has ended once", async () => {
  const random = seededRandom(7);
  let started = 0;
  const outcomes: string[] = [];
  const layer = withTrace({
    dialStart() {
      started += 1;
    },
    dialDone: ({ outcome, reason }) => void outcomes.push(reason ?? outcome),
  });
  const Client = pgClient(pg.Client, compose(layer, withRetry({ maxAttempts: 2, initialBackoffMs: 1 }), tcp()));
  const life = async () => {
    const client = new Client(config({ password: random() < 0.2 ? "wrong" : postgresUser.password }));
    client.on("error", () => {});
    const settled = client.connect().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, random() * 40));
    const way = random();
    if (way < 0.4) streamOf(client).destroy();
    else if (way < 0.8) await client.end();
    await settled;
    await client.end();
  };
  await Promise.all(Array.from({ length: 100 }, life));
  await nothingOpen();
  assert.equal(started, 100);
  assert.equal(outcomes.length, 100);
  const known = ["success", "canceled", "auth_failed", "server_limit"];
  assert.deepEqual(
    outcomes.filter((outcome) => !known.includes(outcome)),
    [],
  );
});

test("pgClient refuses anything but a class", () => {
  assert.throws(() => pgClient({} as never, tcp()), {
    name: "TypeError",
    message: "pgClient: Client must be a function, got an object",
  });
  assert.throws(
    () => pgClient(pg.Client, tcp as never),
    /pgClient: dialer must be a dialer, got the factory tcp; call it: tcp\(\)/,
  );
});
