import assert from "node:assert/strict";
import dns from "node:dns";
import type { Socket } from "node:net";
import { after, mock, test } from "node:test";
import type { ClientCloseInfo } from "../../src/client/client-trace.ts";
import { parseTarget } from "../../src/core/target.ts";
import {
  compose,
  DialError,
  DialTimeoutError,
  type Reason,
  type TcpOptions,
  tcp,
  withTimeout,
} from "../../src/index.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { authority } from "../support/certificates.ts";
import { connect, isV2, stockConnect } from "../support/nats-line.ts";
import { infoLine } from "../support/nats-peer.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { freePort, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** A row of the migration table: the results of both clients with the same server and options. */
interface Row {
  readonly what: string;
  /** Class and code of the stock client's error, in transport-node and in `nats` 2.x. */
  readonly stock: readonly [v3: string, v2: string];
  /** Class and code of our error's cause. @defaultValue those of `stock` */
  readonly cause?: readonly [v3: string, v2: string];
  readonly reason: Reason;
  /** Code of our error; undefined for the one made of the reason. @defaultValue the code of the cause */
  readonly code?: readonly [v3: string | undefined, v2: string | undefined];
  readonly options?: Omit<ConnectOptions, "connectInBackground">;
  readonly serve: () => Promise<{ readonly address: string } & AsyncDisposable>;
}

const certificate = authority().issue({ name: "localhost", alternatives: ["DNS:localhost", "IP:127.0.0.1"] });
const tlsServer = (): Promise<NatsServer> =>
  startNats(
    [],
    `tls { cert_file: "${temporaryFile("c.pem", certificate.cert)}", key_file: "${temporaryFile("k.pem", certificate.key)}" }`,
  );
const guarded = () => startNats(["--user", "worker", "--pass", "right"]);
const nothing = async () => ({ address: `127.0.0.1:${await freePort()}`, [Symbol.asyncDispose]: async () => {} });
const saying = (line: string) => () => peer((socket) => answer(socket, line));

function answer(socket: Socket, line: string): void {
  socket.write(infoLine());
  socket.on("data", () => socket.write(line));
}

/** A `dns.lookup` that finds no name. The system's resolver may hang or have no network. */
const notFound: NonNullable<TcpOptions["lookup"]> = (host, _options, done) =>
  done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" }), []);

async function withoutNames() {
  const { mock: lookup } = mock.method(dns, "lookup", notFound as typeof dns.lookup);
  return { address: "nothing.invalid:4222", [Symbol.asyncDispose]: async () => lookup.restore() };
}

const rows: readonly Row[] = [
  {
    what: "nothing listens",
    serve: nothing,
    stock: ["ConnectionError", "NatsError CONNECTION_REFUSED"],
    reason: "refused",
    code: ["ECONNREFUSED", "ECONNREFUSED"],
  },
  {
    what: "the name is not found",
    serve: withoutNames,
    options: { dialer: compose(tcp({ lookup: notFound })) },
    stock: ["Error ENOTFOUND", "Error ENOTFOUND"],
    reason: "dns_not_found",
  },
  {
    what: "the server is silent for longer than timeout",
    serve: () => peer(),
    options: { timeout: 200 },
    stock: ["TimeoutError", "NatsError TIMEOUT"],
    reason: "timeout",
    code: ["ETIMEDOUT", "ETIMEDOUT"],
  },
  {
    what: "the server is silent after INFO for longer than timeout",
    serve: () => peer((socket) => void socket.write(infoLine())),
    options: { timeout: 200 },
    stock: ["TimeoutError", "NatsError TIMEOUT"],
    reason: "timeout",
    code: ["ETIMEDOUT", "ETIMEDOUT"],
  },
  {
    what: "the password is wrong",
    serve: guarded,
    options: { user: "worker", pass: "wrong" },
    stock: ["AuthorizationError", "NatsError AUTHORIZATION_VIOLATION"],
    reason: "auth_failed",
  },
  {
    what: "the user's credentials have expired, in the server's words",
    serve: saying("-ERR 'User Authentication Expired'\r\n"),
    stock: ["UserAuthenticationExpiredError", "NatsError AUTHENTICATION_EXPIRED"],
    reason: "auth_expired",
  },
  {
    what: "the account's credentials have expired, in the server's words",
    serve: saying("-ERR 'Account Authentication Expired'\r\n"),
    stock: ["AuthorizationError", "NatsError ACCOUNT_EXPIRED"],
    reason: "auth_expired",
  },
  {
    what: "the authenticator throws",
    serve: guarded,
    options: {
      authenticator: () => {
        throw Object.assign(new Error("sealed"), { code: "VAULT" });
      },
    },
    stock: ["Error VAULT", "Error VAULT"],
    reason: "auth_failed",
  },
  {
    what: "the server closes the connection before INFO",
    serve: () => peer((socket) => socket.end()),
    stock: ["ConnectionError", "NatsError CONNECTION_REFUSED"],
    reason: "handshake_closed",
    code: [undefined, undefined],
  },
  {
    what: "the server closes the connection after INFO",
    serve: () =>
      peer((socket) => {
        socket.write(infoLine());
        socket.on("data", () => socket.end());
      }),
    options: { timeout: 200 },
    stock: ["TimeoutError", "NatsError TIMEOUT"],
    cause: ["ConnectionError", "NatsError CONNECTION_REFUSED"],
    reason: "handshake_closed",
    code: [undefined, undefined],
  },
  {
    what: "the server is full",
    serve: saying("-ERR 'maximum connections exceeded'\r\n"),
    options: { timeout: 200 },
    stock: ["TimeoutError", "NatsError TIMEOUT"],
    cause: ["ProtocolError", "NatsError NATS_PROTOCOL_ERR"],
    reason: "server_limit",
  },
  {
    what: "another kind of server answers",
    serve: () => peer((socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")),
    stock: ["Error", "Error"],
    reason: "protocol",
  },
  {
    what: "the server has no TLS, and the option tls requires it",
    serve: () => startNats(),
    options: { tls: {} },
    stock: ["ConnectionError", "NatsError SERVER_OPT_NA"],
    reason: "tls_protocol",
  },
  {
    what: "the server requires TLS, and the option tls is null",
    serve: tlsServer,
    options: { tls: null },
    stock: ["ConnectionError", "NatsError TLS"],
    cause: ["ConnectionError", "NatsError CONNECTION_REFUSED"],
    reason: "tls_protocol",
    code: [undefined, undefined],
  },
  {
    what: "the server's certificate is not trusted",
    serve: tlsServer,
    options: { tls: {} },
    stock: ["Error UNABLE_TO_VERIFY_LEAF_SIGNATURE", "Error UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    reason: "tls_cert_untrusted",
  },
  {
    what: "a file that tls names is missing",
    serve: tlsServer,
    options: { tls: { caFile: "/nowhere/ca.pem" } },
    stock: ["ConnectionError", "NatsError TLS"],
    reason: "config",
  },
  {
    what: "a certificate in the option tls cannot be parsed",
    serve: tlsServer,
    options: { tls: { cert: "none", key: "none" } },
    stock: ["ConnectionError", "NatsError TLS"],
    reason: "config",
  },
  {
    what: "the server is too old for noEcho",
    serve: () => peer((socket) => void socket.write(infoLine())),
    options: { noEcho: true },
    stock: ["ConnectionError", "NatsError SERVER_OPT_NA"],
    reason: "config",
  },
];

/** Class of an error and its code, if any. */
function spelled(error: unknown): string {
  const { name, code } = error as { name: string; code?: string };
  return code === undefined ? name : `${name} ${code}`;
}

async function rejection(connecting: Promise<{ close(): Promise<void> }>): Promise<unknown> {
  try {
    await (await connecting).close();
  } catch (error) {
    return error;
  }
  throw new Error("the connect succeeded");
}

const line = isV2 ? 1 : 0;

for (const { what, stock, cause = stock, reason, code, options, serve } of rows) {
  test(`when ${what}, connect rejects with ${reason} and the cause ${cause[line]}, where the client's own rejects with ${stock[line]}`, async () => {
    await using server = await serve();
    const servers = server.address;
    assert.equal(spelled(await rejection(stockConnect({ servers, ...options } as never))), stock[line]);

    const closes: ClientCloseInfo[] = [];
    // Where the stock client waits for its timeout, our connect fails earlier, with another reason.
    const longTimeout = reason === "timeout" ? {} : { timeout: 30_000 };
    const onClosed = (info: ClientCloseInfo) => void closes.push(info);
    const error = await rejection(connect({ servers, ...options, ...longTimeout, onClosed }));
    assert.ok(error instanceof DialError, String(error));
    assert.equal(error.reason, reason);
    assert.equal(spelled(error.cause), cause[line]);
    const causeCode = (error.cause as { code?: string }).code;
    const expected = code === undefined ? causeCode : code[line];
    assert.equal(error.code, expected ?? `ERR_DIAL_${reason.toUpperCase()}`);
    assert.deepEqual(
      closes.map((info) => info.error),
      [error],
    );
  });
}

/** The error and its chain of causes. */
function causes(error: unknown): unknown[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}

test("the system's error is in the chain of causes", async () => {
  const error = await rejection(connect({ servers: `127.0.0.1:${await freePort()}` }));
  const codes = causes(error).map((each) => (each as { code?: string; syscall?: string }).syscall);
  assert.ok(codes.includes("connect"), String(codes));
});

test("a dialer's timeout and connectDeadlineMs have the stock timeout error as the cause", async () => {
  await using server = await peer();
  const stock = isV2 ? "NatsError TIMEOUT" : "TimeoutError";
  const bounds = [{ dialer: compose(withTimeout({ timeoutMs: 50 }), tcp()) }, { connectDeadlineMs: 50 }];
  for (const bound of bounds) {
    const error = await rejection(connect({ servers: server.address, ...bound }));
    assert.ok(error instanceof DialTimeoutError);
    assert.equal(spelled(error.cause), stock);
  }
});

test("closed() and onClosed of a client that gives up have an error with the stock cause", async () => {
  await using server = await startNats();
  const closes: ClientCloseInfo[] = [];
  const nc = await connect({
    servers: server.address,
    maxReconnectAttempts: 2,
    reconnectDelayHandler: () => 5,
    onClosed: (info) => closes.push(info),
  });
  await server.stop();
  const error = await nc.closed();
  assert.ok(error instanceof DialError);
  assert.equal(error.reason, "refused");
  assert.equal(spelled(error.cause), isV2 ? "NatsError CONNECTION_REFUSED" : "ConnectionError");
  assert.deepEqual(
    closes.map((info) => info.error),
    [error],
  );
});

test("a dialer that rejects with the same error again does not extend its chain of causes", async () => {
  const error = new DialError("no route", { reason: "refused", target: parseTarget("127.0.0.1:1") });
  const dialer = () => Promise.reject(error);
  for (let dials = 0; dials < 3; dials += 1) await rejection(connect({ servers: "127.0.0.1:1", dialer }));
  assert.equal(causes(error).length, 2);
});

test("a frozen error of a dialer is passed on unchanged", async () => {
  const error = Object.freeze(new DialError("no route", { reason: "refused", target: parseTarget("127.0.0.1:1") }));
  assert.equal(await rejection(connect({ servers: "127.0.0.1:1", dialer: () => Promise.reject(error) })), error);
});

test("the reason of a signal is passed on unchanged", async () => {
  const reason = new Error("enough");
  await using server = await peer();
  const signal = AbortSignal.abort(reason);
  assert.equal(await rejection(connect({ servers: server.address, signal })), reason);
  assert.equal(reason.cause, undefined);
});
