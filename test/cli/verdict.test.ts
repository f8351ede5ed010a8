import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AddressFacts, Certificate, Evidence } from "../../src/cli/facts.ts";
import { verdict } from "../../src/cli/verdict/verdict.ts";
import { type Reason, reasons } from "../../src/index.ts";

const now = Date.parse("2026-11-29T00:00:00Z");
const dayMs = 24 * 60 * 60_000;

/** A dial that succeeded; `more` replaces fields. */
function answer(target: string, more: Partial<Evidence> = {}): Evidence {
  return {
    target,
    protocol: target.startsWith("nats:") ? "nats" : "tcp",
    outcome: "success",
    durationMs: 3,
    attempts: 1,
    phases: {},
    failedIn: { atProxy: false },
    addresses: [],
    ...more,
  };
}

function failure(target: string, reason: Reason, more: Partial<Evidence> = {}): Evidence {
  return answer(target, { outcome: "failure", reason, ...more });
}

function address(text: string, reason?: Reason): AddressFacts {
  const family = text.startsWith("[") ? "ipv6" : "ipv4";
  if (reason === undefined) return { address: text, family, outcome: "success", durationMs: 1 };
  return { address: text, family, outcome: "failure", reason, durationMs: 1 };
}

function certificate(leftDays: number, lifeDays = 90, subject = "db"): Certificate {
  const validTo = now + leftDays * dayMs;
  return { subject, issuer: "CA", names: [], validFrom: validTo - lifeDays * dayMs, validTo, fingerprint: "" };
}

function chain(...certificates: readonly Certificate[]): Pick<Evidence, "tls"> {
  return { tls: { protocol: "TLSv1.3", cipher: "c", chain: certificates, verified: true } };
}

const password = { offered: "password" } as const;
const canceled = { outcome: "canceled" } as const;
const [a, b, c] = ["nats://a:4222", "nats://b:4222", "nats://c:4222"] as const;
const viaProxy = { proxy: "http://p:3128", failedIn: { phase: "connect", atProxy: true } } as const;
const past = { proxy: "http://p:3128", failedIn: { phase: "proxy", atProxy: false } } as const;

/** Each situation with its sentence. */
const situations: readonly (readonly [what: string, dials: readonly Evidence[], sentence: string])[] = [
  ["one target answers", [answer("db:1")], "db:1 answers in 3.0 ms"],
  ["all targets answer", [answer("x:1"), answer("y:1"), answer("z:1")], "all 3 targets answer"],
  [
    "the password is refused by 2 of 3 servers and 1 is down",
    [failure(a, "auth_failed", password), failure(b, "auth_failed", password), failure(c, "refused")],
    `2 of 3 servers refuse the password (${a}, ${b}), 1 is down (${c}): it is the password`,
  ],
  [
    "all servers refuse the password",
    [failure(a, "auth_failed", password), failure(b, "auth_failed", password)],
    "both servers refuse the password: it is the password",
  ],
  [
    "one server refuses the password that the others accept",
    [failure(a, "auth_failed", password), answer(b), answer(c)],
    `1 of 3 servers refuses the password (${a}), 2 answer: it is the account on that server, not the password`,
  ],
  [
    "credentials are wanted and none are given",
    [failure(a, "auth_failed")],
    `${a} wants credentials: give them with --user, --token, --creds or --nkey`,
  ],
  [
    "one server refuses a token and the other gets none",
    [failure(a, "auth_failed", { offered: "token" }), failure(b, "auth_failed")],
    `1 of 2 servers refuses the token (${a}), 1 wants credentials (${b}): it is the token`,
  ],
  [
    "a .creds file is refused",
    [failure(a, "auth_failed", { offered: "creds" })],
    `${a} refuses the .creds file: its user or account is unknown, revoked or expired`,
  ],
  [
    "credentials have expired",
    [failure(a, "auth_expired", { offered: "creds" })],
    `${a} says that the credentials have expired: they must be renewed`,
  ],
  [
    "nothing listens",
    [failure("db:1", "refused")],
    "db:1 refuses the connection: the host is up and nothing listens on the port",
  ],
  [
    "nothing listens at any of several addresses",
    [failure("db:1", "refused", { addresses: [address("1.1.1.1:1", "refused"), address("1.1.1.2:1", "refused")] })],
    "db:1 refuses the connection at all 2 addresses: the host is up and nothing listens on the port",
  ],
  [
    "the addresses fail for different reasons",
    [
      failure("db:1", "refused", {
        addresses: [address("[::1]:1", "unreachable"), address("1.1.1.2:1", "refused")],
      }),
    ],
    "db:1 refuses the connection ([::1]:1 unreachable, 1.1.1.2:1 refused): the host is up and nothing listens on the port",
  ],
  [
    "one target does not answer",
    [failure("db:1", "timeout", { failedIn: { phase: "connect", atProxy: false } })],
    "db:1 does not answer: the host is down, or a firewall drops the packets",
  ],
  [
    "no target answers",
    [failure("x:1", "timeout"), failure("y:1", "timeout")],
    "both targets do not answer: it is the network or a firewall before them",
  ],
  [
    "one of several targets does not answer",
    [failure("x:1", "timeout"), answer("y:1"), answer("z:1")],
    "1 of 3 targets does not answer (x:1), 2 answer: it is that host or the way to it",
  ],
  [
    "the TLS handshake times out",
    [failure("db:1", "timeout", { failedIn: { phase: "tls", atProxy: false } })],
    "db:1 times out: the host answers, its TLS does not: another protocol, or an overloaded server",
  ],
  [
    "the service does not speak",
    [failure("db:1", "timeout", { failedIn: { phase: "handshake", atProxy: false } })],
    "db:1 times out: the host answers, the service does not: another protocol, or an overloaded server",
  ],
  [
    "the resolver does not answer",
    [failure("db:1", "timeout", { failedIn: { phase: "dns", atProxy: false } })],
    "db:1 times out: the resolver does not answer",
  ],
  [
    "a name is unknown",
    [failure("db:1", "dns_not_found")],
    "db:1 is not found in the DNS: it is the name, or this host's search domain",
  ],
  [
    "no name is resolved",
    [failure("x:1", "dns_temporary"), failure("y:1", "dns_temporary")],
    "both targets are not resolved, the resolver fails: it is this host's resolver",
  ],
  [
    "one of two names is unknown",
    [failure("x:1", "dns_not_found"), answer("y:1")],
    "1 of 2 targets is not found in the DNS (x:1), 1 answers: it is that name",
  ],
  [
    "IPv6 times out and IPv4 answers",
    [answer("db:1", { addresses: [address("[::1]:1", "timeout"), address("1.1.1.1:1")] })],
    "db:1 answers in 3.0 ms; IPv6 addresses time out, IPv4 answers: it is the IPv6 route",
  ],
  [
    "IPv6 is unreachable and IPv4 answers",
    [answer("db:1", { addresses: [address("[::1]:1", "unreachable"), address("1.1.1.1:1")] })],
    "db:1 answers in 3.0 ms; IPv6 addresses are unreachable, IPv4 answers: it is the IPv6 route",
  ],
  [
    "IPv6 refuses and IPv4 answers",
    [answer("db:1", { addresses: [address("[::1]:1", "refused"), address("1.1.1.1:1")] })],
    "db:1 answers in 3.0 ms; IPv6 addresses refuse, IPv4 answers: the server listens on IPv4 only",
  ],
  [
    "IPv4 times out and IPv6 answers",
    [
      answer("db:1", {
        addresses: [address("[::1]:1"), address("1.1.1.1:1", "timeout"), address("1.1.1.2:1", "timeout")],
      }),
    ],
    "db:1 answers in 3.0 ms; IPv4 addresses time out, IPv6 answers: it is the IPv4 route",
  ],
  [
    "one address of a family refuses",
    [answer("db:1", { addresses: [address("1.1.1.1:1"), address("1.1.1.2:1", "refused"), address("1.1.1.3:1")] })],
    "db:1 answers in 3.0 ms; 1 of 3 addresses fails, 1.1.1.2:1 (refused): it is what is behind that address",
  ],
  [
    "addresses of both families fail",
    [
      answer("db:1", {
        addresses: [address("1.1.1.1:1", "timeout"), address("[::1]:1", "refused"), address("[::2]:1")],
      }),
    ],
    "db:1 answers in 3.0 ms; 2 of 3 addresses fail, 1.1.1.1:1 (timeout), [::1]:1 (refused): it is what is behind those addresses",
  ],
  [
    "all certificates have expired",
    [failure("x:1", "tls_cert_expired"), failure("y:1", "tls_cert_expired"), failure("z:1", "tls_cert_expired")],
    "all 3 targets have expired certificates: it is the renewal of certificates, or this host's clock",
  ],
  [
    "one of two certificates has expired",
    [failure("x:1", "tls_cert_expired"), answer("y:1")],
    "1 of 2 targets has an expired certificate (x:1), 1 answers: it is the renewal on that server",
  ],
  [
    "a certificate has expired and another target is down",
    [failure("x:1", "tls_cert_expired"), failure("y:1", "refused"), answer("z:1")],
    "1 of 3 targets has an expired certificate (x:1), 1 is down (y:1), 1 answers: it is the renewal on that server",
  ],
  [
    "a certificate is not valid yet",
    [failure("x:1", "tls_cert_expired", chain(certificate(91)))],
    "x:1 has a certificate that is not valid yet: this host's clock is behind, or it was issued too early",
  ],
  [
    "one certificate has expired and another is not valid yet",
    [
      failure("x:1", "tls_cert_expired", chain(certificate(91))),
      failure("y:1", "tls_cert_expired", chain(certificate(-1))),
    ],
    "1 of 2 targets has a certificate that is not valid yet (x:1), 1 has an expired certificate (y:1): this host's clock is behind, or it was issued too early",
  ],
  [
    "one target is given twice",
    [failure("x:1", "refused"), failure("x:1", "refused"), answer("y:1")],
    "2 of 3 targets refuse the connection (x:1), 1 answers: the service does not run there",
  ],
  [
    "the authority is unknown",
    [failure("x:1", "tls_cert_untrusted")],
    "x:1 has a certificate that is not trusted: its authority is unknown here; give it with --ca",
  ],
  [
    "the certificate is for another name",
    [failure("x:1", "tls_hostname")],
    "x:1 has a certificate for another name: use a name of the certificate, or give it with --servername",
  ],
  [
    "a client certificate is wanted",
    [failure("x:1", "tls_client_cert")],
    "x:1 wants a client certificate that it accepts: give one with --cert and --key",
  ],
  [
    "the port speaks no TLS",
    [failure("x:1", "tls_protocol")],
    "x:1 does not speak TLS that this client accepts: it is the port (plain text?), the TLS version or the ciphers",
  ],
  [
    "a certificate is about to expire",
    [answer("x:1", chain(certificate(3), certificate(900, 3650, "CA")))],
    "x:1 answers in 3.0 ms; its certificate expires in 3 days",
  ],
  [
    "an intermediate certificate is about to expire",
    [answer("x:1", chain(certificate(60), certificate(2, 3650, "Issuing CA")))],
    "x:1 answers in 3.0 ms; the certificate Issuing CA of its chain expires in 2 days",
  ],
  ["a certificate of six days has four left", [answer("x:1", chain(certificate(4, 6)))], "x:1 answers in 3.0 ms"],
  [
    "one of two certificates is about to expire",
    [answer("x:1", chain(certificate(0.2))), answer("y:1", chain(certificate(60)))],
    "both targets answer; x:1: its certificate expires in 4 hours",
  ],
  [
    "the proxy is down",
    [failure("x:1", "refused", viaProxy)],
    "the proxy http://p:3128 refuses the connection: it is the proxy, x:1 was not reached",
  ],
  [
    "the proxy is down for all targets",
    [failure("x:1", "refused", viaProxy), failure("y:1", "refused", viaProxy)],
    "both targets are not reached because the proxy http://p:3128 refuses the connection: it is the proxy",
  ],
  [
    "the proxy refuses its password",
    [failure("x:1", "proxy_auth", viaProxy)],
    "the proxy http://p:3128 refuses the credentials: it is the proxy's password",
  ],
  [
    "the proxy answers and the target is down",
    [failure("x:1", "proxy_rejected", past)],
    "x:1 is not reached by the proxy, which answers: the target is down for the proxy, or its rules forbid it",
  ],
  [
    "the proxy waits for the target",
    [failure("x:1", "timeout", past)],
    "x:1 times out: the proxy http://p:3128 answers, the way from it to the target does not",
  ],
  [
    "one target is slow",
    [answer("x:1"), answer("y:1", { durationMs: 800, phases: { dns: 700, connect: 10 } }), answer("z:1")],
    "all 3 targets answer; y:1 is slow, 800 ms against 3.0 ms (the DNS takes 700 ms of 800 ms)",
  ],
  [
    "one of two targets is slow",
    [answer("x:1"), answer("y:1", { durationMs: 800 })],
    "both targets answer; y:1 is slow, 800 ms against 3.0 ms",
  ],
  [
    "a single target is slow in its TLS handshake",
    [answer("x:1", { durationMs: 4000, phases: { tls: 3900 } })],
    "x:1 answers in 4000 ms; it is slow: the TLS handshake takes 3900 ms of 4000 ms",
  ],
  [
    "a connection is closed at once",
    [answer("x:1", { after: { event: "closed", banner: "" } })],
    "x:1 answers in 3.0 ms; the peer closes the connection at once: a proxy or a port mapping with nothing behind it, or a list of allowed clients",
  ],
  [
    "an HTTP service fails",
    [answer("http://x:80", { http: { status: 503, firstByteMs: 1 } })],
    "http://x:80 answers in 3.0 ms; it answers 503: it is the service, not the connection",
  ],
  [
    "an HTTP service wants credentials",
    [answer("http://x:80", { http: { status: 401, firstByteMs: 1 } })],
    "http://x:80 answers in 3.0 ms; it answers 401: it wants credentials",
  ],
  [
    "an HTTP service refuses a password",
    [answer("http://x:80", { http: { status: 403, firstByteMs: 1 }, ...password })],
    "http://x:80 answers in 3.0 ms; it answers 403: it wants other credentials",
  ],
  [
    "no process listens at a path",
    [failure("unix:/x", "refused", { addresses: [{ ...address("1.1.1.1:1", "refused"), family: "unix" }] })],
    "unix:/x refuses the connection: no process listens at that path",
  ],
  ["a retry mends the dial", [answer("x:1", { attempts: 3 })], "x:1 answers in 3.0 ms; only attempt 3 succeeded"],
  [
    "a server is in lame duck mode",
    [answer(a, { nats: { tlsRequired: false, authRequired: false, lameDuck: true, servers: 0 } })],
    `${a} answers in 3.0 ms; the server is about to shut down (lame duck mode)`,
  ],
  [
    "a server is full",
    [failure(a, "server_limit"), answer(b)],
    `1 of 2 servers has no room for another connection (${a}), 1 answers: it is the server's limit, or clients that leak connections`,
  ],
  [
    "another protocol is spoken",
    [failure(a, "protocol")],
    `${a} does not speak the protocol: another service listens on the port`,
  ],
  [
    "three of four targets fail for three reasons",
    [failure("x:1", "dns_not_found"), failure("y:1", "timeout"), failure("z:1", "refused"), answer("w:1")],
    "1 of 4 targets is not found in the DNS (x:1), 1 does not answer (y:1), 1 is down (z:1), 1 answers: it is that name",
  ],
  ["an interrupt comes first", [answer("x:1", canceled), answer("y:1", canceled)], "interrupted before an answer"],
  [
    "an interrupt comes after one failure",
    [failure("x:1", "refused"), answer("y:1", canceled)],
    "1 of 2 targets refuses the connection (x:1), 1 was interrupted: the service does not run, or the port is wrong",
  ],
];

describe("the verdict", () => {
  for (const [what, dials, sentence] of situations) {
    test(`the verdict names the cause when ${what}`, () => assert.equal(verdict(dials, now), sentence));
  }
});

test("the table has at least 30 situations, and no two have the same sentence", () => {
  const sentences = new Set(situations.map(([, , sentence]) => sentence));
  assert.ok(situations.length >= 30);
  assert.equal(sentences.size, situations.length);
});

test("every reason has a verdict, for one target, for all and for some, that is one line and names the target", () => {
  for (const reason of reasons) {
    const one = verdict([failure("x:1", reason)], now);
    const all = verdict([failure("x:1", reason), failure("y:1", reason)], now);
    const some = verdict([failure("x:1", reason), answer("y:1")], now);
    for (const text of [one, all, some]) assert.match(text, /^[^\n]+: [^\n]+$/, reason);
    assert.ok(one.startsWith("x:1 ") && some.includes("(x:1)"), reason);
    assert.ok(all.startsWith("both targets "), reason);
  }
});

test("a verdict names at most two targets of a group", () => {
  const many = ["t:1", "u:1", "v:1", "w:1"].map((target) => failure(target, "refused"));
  assert.equal(
    verdict([...many, answer("x:1")], now),
    "4 of 5 targets refuse the connection, 1 answers: the service does not run there",
  );
});

test("the order of the targets does not change the cause", () => {
  const dials = [failure(a, "refused"), failure(b, "auth_failed", password), failure(c, "auth_failed", password)];
  for (const order of [dials, dials.toReversed()]) assert.match(verdict(order, now), /: it is the password$/);
});
