import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type ConnectionOptions, connect as tlsConnect, createServer as tlsServer } from "node:tls";
import fc from "fast-check";
import { isRetryable, type Reason, reasonTable } from "../../src/core/reasons.ts";
import { classify, compose, DialError, reasons, withRetry, withTrace } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { freePort, peer } from "../support/peers.ts";
import { selfSigned } from "./certificate.ts";

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });
const named = (name: string, message = "") => Object.assign(new Error(message), { name });
const dialError = (reason: Reason) => new DialError(reason, { reason });
const abortError = (cause?: unknown) =>
  Object.assign(new Error("The operation was aborted", { cause }), { name: "AbortError", code: "ABORT_ERR" });

const table: readonly (readonly [Reason | "canceled", readonly (readonly [string, unknown])[]])[] = [
  ["dns_not_found", codes("ENOTFOUND", "ENODATA")],
  ["dns_temporary", codes("EAI_AGAIN", "EAI_FAIL", "EAI_MEMORY", "ESERVFAIL", "ETIMEOUT")],
  ["refused", [...codes("ECONNREFUSED"), ["ENOENT of a connect", coded("ENOENT", { syscall: "connect" })]]],
  ["access_denied", codes("EACCES", "EPERM")],
  [
    "timeout",
    [
      ...codes("ETIMEDOUT"),
      ["a TimeoutError", named("TimeoutError", "timeout")],
      ["an AbortError whose cause is a TimeoutError", abortError(new DOMException("late", "TimeoutError"))],
      ["the reason of AbortSignal.timeout", new DOMException("The operation timed out", "TimeoutError")],
    ],
  ],
  [
    "reset",
    [
      ...codes("EPIPE", "ECONNABORTED"),
      ["ECONNRESET of a read", coded("ECONNRESET", { syscall: "read", errno: -104 })],
    ],
  ],
  [
    "tls_closed",
    [
      [
        "ECONNRESET before secure TLS",
        Object.assign(new Error("Client network socket disconnected before secure TLS connection was established"), {
          code: "ECONNRESET",
        }),
      ],
    ],
  ],
  ["unreachable", codes("EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN")],
  ["local_resource", codes("EADDRNOTAVAIL", "EADDRINUSE", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM")],
  ["tls_cert_expired", codes("CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID")],
  [
    "tls_cert_untrusted",
    codes(
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_GET_ISSUER_CERT",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    ),
  ],
  ["tls_hostname", codes("ERR_TLS_CERT_ALTNAME_INVALID")],
  [
    "tls_client_cert",
    codes(
      "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
      "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
      "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE",
      "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
    ),
  ],
  [
    "tls_protocol",
    [
      ...codes(
        "ERR_SSL_WRONG_VERSION_NUMBER",
        "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
        "ERR_SSL_UNSUPPORTED_PROTOCOL",
        "EPROTO",
      ),
    ],
  ],
  ["proxy_auth", [["a DialError with that reason", dialError("proxy_auth")]]],
  ["proxy_rejected", [["a DialError with that reason", dialError("proxy_rejected")]]],
  [
    "auth_failed",
    [
      ["an AuthorizationError", named("AuthorizationError", "denied")],
      ["a server's words", new Error("'Authorization Violation'")],
      ["a server's words of a user that was revoked", named("ProtocolError", "User Authentication Revoked")],
    ],
  ],
  [
    "auth_expired",
    [
      ["a UserAuthenticationExpiredError", named("UserAuthenticationExpiredError", "over")],
      ["a server's words of a user", new Error("User Authentication Expired")],
      ["a server's words of an account", new Error("-ERR 'account authentication expired'")],
      ["an AuthorizationError with the server's words", named("AuthorizationError", "account authentication expired")],
    ],
  ],
  ["server_limit", [["a server's words", new Error("maximum account active connections exceeded")]]],
  ["handshake_closed", [["a DialError with that reason", dialError("handshake_closed")]]],
  [
    "protocol",
    [
      ["a client's words", new Error("unexpected response from server")],
      ["a ProtocolError", named("ProtocolError", "bad frame")],
    ],
  ],
  ["circuit_open", [["a DialError with that reason", dialError("circuit_open")]]],
  ["pool_exhausted", [["a DialError with that reason", dialError("pool_exhausted")]]],
  ["no_target", [["a DialError with that reason", dialError("no_target")]]],
  [
    "config",
    [...codes("ERR_INVALID_ARG_TYPE", "ERR_INVALID_TARGET", "ERR_SOCKET_BAD_PORT", "ERR_OSSL_PEM_NO_START_LINE")],
  ],
  [
    "canceled",
    [
      ["the reason of abort()", AbortSignal.abort().reason],
      ["Node's AbortError", abortError()],
      ["an AbortError whose cause is the reason of abort()", abortError(AbortSignal.abort().reason)],
      ["ECANCELED", coded("ECANCELED")],
    ],
  ],
  [
    "_OTHER",
    [
      ["an error without anything", new Error("what?")],
      ["an unknown code", coded("E_UNHEARD_OF")],
      ["a client library's code on another error", coded("TLS")],
      ["a code that is not a string", coded(42 as never)],
      ["ENOENT of a file", coded("ENOENT", { syscall: "open" })],
      ["a code of every object", coded("constructor")],
      ["a name of every object", named("toString")],
      ["a string", "ECONNREFUSED"],
      ["undefined", undefined],
      ["null", null],
      ["a plain object", { code: "ECONNREFUSED" }],
    ],
  ],
];

describe("classify", () => {
  for (const [reason, rows] of table) {
    for (const [what, error] of rows) {
      test(`classify returns ${reason} for ${what}`, () => assert.equal(classify(error), reason));
    }
  }

  test("every reason has a row in the table of this test", () => {
    const rows = table.map(([reason]) => reason).filter((reason) => reason !== "canceled");
    assert.deepEqual([...rows].sort(), [...reasons].sort());
  });
});

test("isRetryable never retries permanent reasons and retries authentication failures once", () => {
  const no = [
    "access_denied",
    "tls_cert_expired",
    "tls_cert_untrusted",
    "tls_hostname",
    "tls_client_cert",
    "tls_protocol",
    "proxy_auth",
    "protocol",
    "circuit_open",
    "pool_exhausted",
    "no_target",
    "config",
  ];
  const once = ["auth_failed", "auth_expired"];
  for (const reason of reasons) {
    assert.equal(isRetryable(reason, 1), !no.includes(reason), reason);
    assert.equal(isRetryable(reason, 2), !no.includes(reason) && !once.includes(reason), reason);
  }
  assert.deepEqual(Object.keys(reasonTable), reasons);
});

describe("classify of an error with causes", () => {
  const wrapped = (error: unknown, times: number) => {
    let outer = error;
    for (let time = 0; time < times; time += 1) outer = new Error("wrapped", { cause: outer });
    return outer;
  };

  for (const depth of [1, 2, 3, 4, 5]) {
    test(`classify finds a code at depth ${depth} of the cause chain`, () => {
      assert.equal(classify(wrapped(coded("ECONNREFUSED"), depth)), "refused");
    });
  }

  test("classify does not search the cause chain deeper than 5 causes", () => {
    assert.equal(classify(wrapped(coded("ECONNREFUSED"), 6)), "_OTHER");
  });

  test("classify terminates on a cycle of causes", () => {
    const [one, two] = [new Error("one"), new Error("two")];
    one.cause = two;
    two.cause = one;
    assert.equal(classify(one), "_OTHER");
    two.cause = two;
    assert.equal(classify(one), "_OTHER");
    Object.assign(two, { code: "ECONNRESET", syscall: "read" });
    assert.equal(classify(one), "reset");
  });

  test("classify prefers the outermost code, any code to a message, and a message to an error class", () => {
    const refused = coded("ECONNREFUSED");
    assert.equal(classify(Object.assign(new Error("x", { cause: refused }), { code: "ETIMEDOUT" })), "timeout");
    assert.equal(classify(new Error("Authorization Violation", { cause: refused })), "refused");
    assert.equal(classify(named("TimeoutError", "Authorization Violation")), "auth_failed");
    assert.equal(classify(new Error("x", { cause: named("TimeoutError") })), "timeout");
  });

  test("classify ignores a cause that is not an error", () => {
    assert.equal(classify(new Error("x", { cause: { code: "ECONNREFUSED" } })), "_OTHER");
  });

  test("classify uses the cause of an error without a code", () => {
    const error = Object.assign(new Error("connection refused", { cause: coded("ECONNREFUSED") }), {
      name: "ConnectionError",
    });
    assert.equal(classify(error), "refused");
  });
});

describe("classify of an AggregateError", () => {
  const rows: readonly (readonly [readonly string[], Reason])[] = [
    [["ECONNREFUSED", "ETIMEDOUT"], "timeout"],
    [["ETIMEDOUT", "ECONNREFUSED"], "refused"],
    [["ECONNREFUSED", "ENETUNREACH"], "refused"],
    [["ENETUNREACH", "ECONNREFUSED"], "refused"],
    [["ECONNREFUSED", "EADDRNOTAVAIL"], "refused"],
    [["ETIMEDOUT", "ENETUNREACH", "EADDRNOTAVAIL"], "timeout"],
    [["EADDRNOTAVAIL", "ENETUNREACH"], "unreachable"],
    [["ENETUNREACH", "EADDRNOTAVAIL"], "local_resource"],
    [["EHOSTUNREACH", "ENETUNREACH"], "unreachable"],
    [["ENETUNREACH"], "unreachable"],
  ];
  for (const [list, reason] of rows) {
    test(`classify returns ${reason} for an AggregateError of ${list.join(", ")}`, () => {
      const error = new AggregateError(list.map((code) => coded(code)));
      assert.equal(classify(error), reason);
      assert.equal(classify(new Error("wrapped", { cause: error })), reason);
    });
  }

  test("classify returns _OTHER for an empty AggregateError", () =>
    assert.equal(classify(new AggregateError([])), "_OTHER"));

  test("classify searches an AggregateError that is a cause", () => {
    assert.equal(classify(new Error("x", { cause: new AggregateError([coded("ECONNREFUSED")]) })), "refused");
  });
});

test("classify returns a known reason or canceled for any thrown value", () => {
  const error: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    error: fc.oneof(
      { maxDepth: 4 },
      fc.anything(),
      fc
        .record({
          code: fc.oneof(fc.string(), fc.anything()),
          name: fc.string(),
          message: fc.string(),
          cause: tie("error"),
        })
        .map(({ message, ...rest }) => {
          const made = new Error(message);
          for (const [key, value] of Object.entries(rest)) Object.defineProperty(made, key, { value });
          return made;
        }),
      fc.array(tie("error"), { maxLength: 3 }).map((errors) => new AggregateError(errors)),
    ),
  })).error;
  fc.assert(
    fc.property(error, (thrown) => {
      const reason = classify(thrown);
      assert.ok(reason === "canceled" || reasons.includes(reason), reason);
    }),
    { numRuns: 1000 },
  );
});

describe("cases that go-conntrack misreports", () => {
  const attemptsOf = async (error: unknown) => {
    const ended: string[] = [];
    const layers = [withTrace({ attemptDone: ({ outcome, reason }) => ended.push(`${outcome} ${reason}`) })];
    await assert.rejects(compose(...layers, scriptedDialer([async () => Promise.reject(error)]))("h:1"));
    return ended;
  };

  test("a refused dial is reported as exactly one failed attempt", async () => {
    assert.deepEqual(await attemptsOf(coded("ECONNREFUSED")), ["failure refused"]);
  });

  test("a canceled dial is not reported as a timeout", async () => {
    assert.deepEqual(await attemptsOf(AbortSignal.abort().reason), ["canceled undefined"]);
  });
});

describe("outcome of an aborted dial", () => {
  const outcome = async (abort: (controller: AbortController) => void, given?: AbortSignal) => {
    const controller = new AbortController();
    const signal = given ?? controller.signal;
    const ended: string[] = [];
    const dial = compose(
      withTrace({ dialDone: (info) => ended.push(`${info.outcome} ${info.reason}`) }),
      withRetry(),
      scriptedDialer(["hang"]),
    );
    const dialing = dial("h:1", { signal, clock: fakeClock() });
    abort(controller);
    await assert.rejects(dialing, (error) => error === signal.reason);
    return ended;
  };

  const cancellations: readonly (readonly [string, unknown])[] = [
    ["without a reason", undefined],
    ["with an error", new Error("shutting down")],
    ["with a string", "shutting down"],
    ["with null", null],
    ["with an error that looks like a reset", coded("ECONNRESET", { syscall: "read" })],
    ["with an error that looks like a refusal", coded("ECONNREFUSED")],
    ["with an error about authorization", new Error("Authorization Violation")],
  ];
  for (const [what, reason] of cancellations) {
    test(`a dial aborted ${what} is canceled`, async () => {
      assert.deepEqual(await outcome((controller) => controller.abort(reason)), ["canceled undefined"]);
    });
  }

  test("a dial aborted by AbortSignal.timeout fails with reason timeout", async () => {
    // The signal does not keep the process alive, so something else must.
    const alive = setInterval(() => {}, 1000);
    assert.deepEqual(await outcome(() => {}, AbortSignal.timeout(1)), ["failure timeout"]);
    clearInterval(alive);
  });
});

describe("classify of errors thrown by Node.js", () => {
  const errorOf = (socket: Socket) =>
    new Promise<NodeJS.ErrnoException>((resolve, reject) => {
      socket.on("error", (error) => {
        socket.destroy();
        resolve(error);
      });
      socket.on("close", () => reject(new Error("closed without an error")));
      socket.resume();
    });
  const overTls = async (server: Server, options: ConnectionOptions) => {
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    try {
      return await errorOf(tlsConnect({ host: "127.0.0.1", port, servername: "h.test", ...options }));
    } finally {
      server.close();
    }
  };
  const certificate = selfSigned("h.test");
  const quiet = (socket: Socket) => void socket.on("error", () => {});

  test("a connect to a port without a listener has reason refused", async () => {
    assert.equal(classify(await errorOf(tcpConnect(await freePort(), "127.0.0.1"))), "refused");
  });

  test("a connect to a missing unix socket has reason refused", async () => {
    assert.equal(classify(await errorOf(tcpConnect(join(tmpdir(), "dialtrace-none.sock")))), "refused");
  });

  test("a connection reset by the peer has reason reset", async () => {
    await using resetting = await peer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const socket = tcpConnect(resetting.port, "127.0.0.1");
    socket.write("hello");
    assert.equal(classify(await errorOf(socket)), "reset");
  });

  test("a self-signed certificate has reason tls_cert_untrusted", async () => {
    assert.equal(classify(await overTls(tlsServer(certificate, quiet), {})), "tls_cert_untrusted");
  });

  test("a certificate for another host name has reason tls_hostname", async () => {
    const error = await overTls(tlsServer(certificate, quiet), { ca: certificate.cert, servername: "other.test" });
    assert.equal(classify(error), "tls_hostname");
  });

  test("a server that rejects a missing client certificate after secureConnect causes reason tls_client_cert", async () => {
    const strict = tlsServer({ ...certificate, requestCert: true, rejectUnauthorized: true }, quiet);
    assert.equal(classify(await overTls(strict, { ca: certificate.cert })), "tls_client_cert");
  });

  test("peers without a common TLS version cause reason tls_protocol", async () => {
    const old = tlsServer({ ...certificate, maxVersion: "TLSv1.2" }, quiet);
    assert.equal(classify(await overTls(old, { ca: certificate.cert, minVersion: "TLSv1.3" })), "tls_protocol");
  });

  test("a server that does not speak TLS causes reason tls_protocol", async () => {
    const plain = createServer((socket) => quiet(socket) ?? socket.end("hello\r\n"));
    assert.equal(classify(await overTls(plain, {})), "tls_protocol");
  });

  test("a server that closes the connection during the TLS handshake causes reason tls_closed", async () => {
    const rude = createServer((socket) => quiet(socket) ?? socket.once("data", () => socket.end()));
    assert.equal(classify(await overTls(rude, {})), "tls_closed");
  });
});

function codes(...list: string[]): readonly (readonly [string, unknown])[] {
  return list.map((code) => [code, coded(code)]);
}
