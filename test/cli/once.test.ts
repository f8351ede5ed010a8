import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createNetServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Authority, authority, inDays } from "../support/certificates.ts";
import { jsonLines, runCli } from "../support/cli.ts";
import { freePort, goodPeer, peer, resettingPeer, silentPeer } from "../support/peers.ts";
import { temporaryFile, temporaryFolder } from "../support/temporary.ts";
import { tlsPeer } from "../support/tls-peers.ts";

let ca: Authority;
let caFile: string;

before(() => {
  ca = authority();
  caFile = temporaryFile("ca.pem", ca.cert);
});

/** Dials with `--json` and returns the objects of the dials, the verdict and the exit code. */
async function dialed(args: readonly string[], options?: Parameters<typeof runCli>[1]) {
  const { code, stdout, stderr } = await runCli(["--json", ...args], options);
  const objects = jsonLines(stdout);
  const last = objects.at(-1);
  assert.equal(last?.type, "verdict", stderr);
  assert.equal(last.exitCode, code);
  return { code, dial: objects[0], dials: objects.slice(0, -1), verdict: last.verdict as string };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("TCP and unix sockets", () => {
  test("a dial to a listening port prints its waterfall and a verdict, and ends with 0", async () => {
    await using server = await goodPeer();
    const { code, stdout } = await runCli(["--wait", "0", server.address]);
    assert.equal(code, 0);
    assert.match(stdout, /^dial 127\.0\.0\.1:\d+ .* 1 attempt$/m);
    assert.match(stdout, /└─ connect 127\.0\.0\.1:\d+ .*█/);
    assert.match(stdout, /^verdict {6}127\.0\.0\.1:\d+ answers in [\d.]+ m?s$/m);
    assert.equal(server.accepted, 1);
  });

  test("a refused dial ends with 4", async () => {
    const { code, dial, verdict } = await dialed([`127.0.0.1:${await freePort()}`]);
    assert.equal(code, 4);
    assert.equal(dial.reason, "refused");
    assert.equal(dial.failedPhase, "connect");
    assert.match(dial.message, /ECONNREFUSED/);
    assert.match(verdict, /nothing listens on the port$/);
  });

  test("a name that does not exist ends with 3", async () => {
    const { code, dial } = await dialed(["nowhere.test:1"], { names: { "nowhere.test": [] } });
    assert.equal(code, 3);
    assert.equal(dial.reason, "dns_not_found");
  });

  test("a dial that exceeds --timeout ends with 5 and names the phase", async () => {
    await using server = await silentPeer();
    const { code, dial, verdict } = await dialed(["--timeout", "300ms", `tls://${server.address}`]);
    assert.equal(code, 5);
    assert.equal(dial.failedPhase, "tls");
    assert.match(verdict, /times out: the host answers, its TLS does not/);
  });

  test("the first bytes of a server that sends first are printed", async () => {
    await using server = await peer((socket) => socket.write("220 mail.test ESMTP ready\r\n"));
    const { stdout } = await runCli(["--wait", "20s", server.address]);
    assert.match(stdout, /^says {9}220 mail\.test ESMTP ready$/m);
  });

  test("a connection that the peer closes or resets at once is distinguished from one that stays open", async () => {
    await using closing = await peer((socket) => socket.end());
    await using resetting = await resettingPeer();
    const { dial, verdict } = await dialed(["--wait", "20s", closing.address]);
    assert.equal(dial.after.event, "closed");
    assert.match(verdict, /the peer closes the connection at once/);
    // The reset may arrive before the connection is reported, and fail the dial.
    const reset = (await dialed(["--wait", "20s", resetting.address])).dial;
    assert.equal(reset.after?.event ?? reset.reason, "reset");
  });

  test("a unix socket is dialed by its path", async () => {
    const path = join(temporaryFolder(), "s");
    const server = createNetServer((socket) => socket.resume());
    server.listen(path);
    await once(server, "listening");
    const { code, dial } = await dialed(["--wait", "0", `unix:${path}`]);
    server.close();
    assert.equal(code, 0);
    assert.equal(dial.addresses[0].address, `unix:${path}`);
  });

  test("fifty targets are dialed at once without a warning", async () => {
    await using server = await peer((socket) => socket.write("hello\r\n"));
    const { code, stderr } = await runCli(["--wait", "20s", ...Array<string>(50).fill(server.address)]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.equal(server.accepted, 50);
  });

  test("several targets that fail for different reasons end with 1, and each is shown", async () => {
    const names = { "nowhere.test": [] };
    const { code, dials } = await dialed(["nowhere.test:1", `127.0.0.1:${await freePort()}`], { names });
    assert.equal(code, 1);
    assert.deepEqual(
      dials.map(({ reason }) => reason),
      ["dns_not_found", "refused"],
    );
  });

  test("--explain describes the layers first, without the password of a proxy", async () => {
    await using server = await goodPeer();
    const proxy = `http://u:geheim@127.0.0.1:${await freePort()}`;
    for (const form of [
      ["--wait", "0"],
      ["-c", "1"],
    ]) {
      const { stdout } = await runCli(["--explain", "--retries", "2", "--proxy", proxy, ...form, server.address]);
      assert.match(stdout, /^127\.0\.0\.1:\d+\n[\s\S]*?withTimeout[\s\S]*?withRetry[\s\S]*?httpProxy/);
      assert.doesNotMatch(stdout, /geheim/);
    }
  });

  test("--retries makes more attempts", async () => {
    const { dial } = await dialed(["--retries", "2", `127.0.0.1:${await freePort()}`]);
    assert.equal(dial.attempts, 3);
  });

  test("--quiet prints the verdict only", async () => {
    const { stdout } = await runCli(["--quiet", `127.0.0.1:${await freePort()}`]);
    assert.match(stdout, /^verdict {6}[^\n]+\n {13}[^\n]+\n$/);
  });
});

// Concurrent, because one of them waits for 5 s.
describe("addresses", { concurrency: true }, () => {
  test("an address that the race left undecided is tried separately, and the verdict names the family", async () => {
    await using server = await goodPeer();
    const { port } = server;
    const { dial, verdict } = await dialed([`two.test:${port}`], { names: { "two.test": ["::1", "127.0.0.1"] } });
    assert.deepEqual(
      dial.addresses.map(({ address, outcome, reason }: Record<string, string>) => [address, outcome, reason]),
      [
        [`[::1]:${port}`, "failure", "refused"],
        [`127.0.0.1:${port}`, "success", undefined],
      ],
    );
    assert.match(verdict, /; IPv6 addresses refuse, IPv4 answers: the server listens on IPv4 only$/);
  });

  test("an address that the race did not reach is tried too", async () => {
    await using server = await goodPeer();
    const names = { "three.test": ["127.0.0.1", "127.0.0.2", "127.0.0.3"] };
    const { dial, verdict } = await dialed([`three.test:${server.port}`], { names });
    const outcomes = dial.addresses.map(({ outcome }: { outcome: string }) => outcome);
    assert.deepEqual(outcomes, ["success", "failure", "failure"]);
    assert.match(verdict, /2 of 3 addresses fail/);
  });

  test("an address that is resolved after the dial has ended is tried too", async () => {
    await using server = await goodPeer();
    const names = { "late.test": ["127.0.0.1", "::1@400"] };
    const { dial, verdict } = await dialed([`late.test:${server.port}`], { names });
    const families = dial.addresses.map(({ family }: { family: string }) => family);
    assert.deepEqual(families, ["ipv4", "ipv6"]);
    assert.match(verdict, /IPv6 addresses refuse/);
  });

  test("--timeout ends the wait for a lookup that does not answer", async () => {
    await using server = await goodPeer();
    const names = { "late.test": ["127.0.0.1", "::1@600000"] };
    const { code, dial } = await dialed(["-t", "5s", `late.test:${server.port}`], { names });
    assert.equal(code, 0);
    assert.equal(dial.addresses.length, 1);
  });

  test("-4 and -6 restrict the family", async () => {
    await using server = await goodPeer();
    const names = { "two.test": ["::1", "127.0.0.1"] };
    const [four, six] = await Promise.all([
      dialed(["-4", `two.test:${server.port}`], { names }),
      dialed(["-6", `two.test:${server.port}`], { names }),
    ]);
    assert.deepEqual(
      four.dial.addresses.map(({ family }: { family: string }) => family),
      ["ipv4"],
    );
    assert.equal(four.code, 0);
    assert.equal(six.dial.reason, "refused");
  });
});

describe("TLS", () => {
  test("the parameters and the chain of a server are shown", async () => {
    const until = inDays(60);
    const issued = ca.issue({ name: "db.test", alternatives: ["IP:127.0.0.1"], until });
    await using server = await tlsPeer({ ...issued, ALPNProtocols: ["h2"] });
    const target = `tls://127.0.0.1:${server.port}`;
    const { code, dial } = await dialed(["--ca", caFile, "--alpn", "h2,http/1.1", "--wait", "0", target]);
    assert.equal(code, 0);
    assert.equal(dial.tls.protocol, "TLSv1.3");
    assert.match(dial.tls.cipher, /^TLS_/);
    assert.equal(dial.tls.alpn, "h2");
    assert.equal(dial.tls.verified, true);
    assert.deepEqual(
      dial.tls.chain.map(({ subject }: { subject: string }) => subject),
      ["db.test", "dialtrace test CA"],
    );
    assert.deepEqual(dial.tls.chain[0].names, ["127.0.0.1"]);
    assert.equal(Date.parse(dial.tls.chain[0].validTo), until.getTime());
  });

  test("the chain of a certificate that is rejected is read by a second handshake that sends no data", async () => {
    const issued = ca.issue({ name: "db.test", alternatives: ["IP:127.0.0.1"] });
    const client = ca.issue({ name: "worker", usage: "clientAuth" });
    let received = 0;
    await using server = await tlsPeer({ ...issued, requestCert: true, rejectUnauthorized: false }, (socket) =>
      socket.on("data", ({ length }) => {
        received += length;
      }),
    );
    const files = ["--cert", temporaryFile("c.pem", client.cert), "--key", temporaryFile("k.pem", client.key)];
    const target = `https://secretuser:secretpassword@127.0.0.1:${server.port}`;
    const { code, dial, verdict } = await dialed([...files, target]);
    assert.equal(code, 6);
    assert.equal(dial.reason, "tls_cert_untrusted");
    assert.equal(dial.tls.verified, false);
    assert.equal(dial.tls.chain[0].subject, "db.test");
    assert.equal(received, 0);
    for (const socket of server.secured) assert.equal(Object.keys(socket.getPeerCertificate() ?? {}).length, 0);
    assert.match(verdict, /give it with --ca$/);
  });

  test("an expired certificate and one for another name have different verdicts", async () => {
    const expired = ca.issue({ name: "a", alternatives: ["IP:127.0.0.1"], from: inDays(-9), until: inDays(-2) });
    const other = ca.issue({ name: "other.test" });
    await using first = await tlsPeer(expired);
    await using second = await tlsPeer(other);
    const targets = [`tls://127.0.0.1:${first.port}`, `tls://127.0.0.1:${second.port}`];
    const { code, dials } = await dialed(["--ca", caFile, ...targets]);
    assert.equal(code, 6);
    assert.deepEqual(
      dials.map(({ reason }) => reason),
      ["tls_cert_expired", "tls_hostname"],
    );
    const text = (await runCli(["--ca", caFile, targets[0] ?? ""])).stdout;
    assert.match(
      text,
      /^certificate {2}a for 127\.0\.0\.1, by dialtrace test CA, expired \d{4}-\d\d-\d\d, 2 days\s+ago/m,
    );
  });

  test("a certificate that is not valid yet is distinguished from an expired one", async () => {
    const early = ca.issue({ name: "a", alternatives: ["IP:127.0.0.1"], from: inDays(1.5), until: inDays(9) });
    await using server = await tlsPeer(early);
    const { stdout } = await runCli(["--ca", caFile, `tls://127.0.0.1:${server.port}`]);
    assert.match(
      stdout,
      /^certificate {2}a for 127\.0\.0\.1, by dialtrace test CA, not valid before \d{4}-\d\d-\d\d$/m,
    );
    assert.match(stdout, /^verdict +tls:\S+ has a certificate that is not valid yet/m);
  });

  test("--servername replaces the name that is checked", async () => {
    await using server = await tlsPeer(ca.issue({ name: "other.test" }));
    const args = ["--ca", caFile, "--servername", "other.test", "--wait", "0", `tls://127.0.0.1:${server.port}`];
    assert.equal((await dialed(args)).code, 0);
  });

  test("a certificate that is about to expire is in the verdict of a dial that succeeds", async () => {
    const issued = ca.issue({ name: "a", alternatives: ["IP:127.0.0.1"], from: inDays(-80), until: inDays(3.5) });
    await using server = await tlsPeer(issued);
    // The authority ends earlier, but lives for two days in all.
    const { verdict } = await dialed(["--ca", caFile, "--wait", "0", `tls://127.0.0.1:${server.port}`]);
    assert.match(verdict, /its certificate expires in 3 days$/);
  });

  test("a server that requires a client certificate is detected, even under TLS 1.3", async () => {
    const issued = ca.issue({ name: "a", alternatives: ["IP:127.0.0.1"] });
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      await using server = await tlsPeer({
        ...issued,
        ca: ca.cert,
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion,
      });
      const { code, dial } = await dialed(["--ca", caFile, "--wait", "20s", `tls://127.0.0.1:${server.port}`]);
      assert.equal(dial.reason, "tls_client_cert", maxVersion);
      assert.equal(dial.outcome, "failure");
      assert.equal(code, 6);
    }
  });

  test("a plain-text port is distinguished from one that speaks TLS", async () => {
    await using server = await peer((socket) => socket.end("220 plain\r\n"));
    const { code, dial } = await dialed([`tls://${server.address}`]);
    assert.equal(code, 6);
    assert.equal(dial.reason, "tls_protocol");
  });
});

describe("HTTP", () => {
  const seen: { method: string | undefined; url: string | undefined; authorization: string | undefined }[] = [];
  const server = createServer(({ method, url, headers }, response) => {
    seen.push({ method, url, authorization: headers.authorization });
    const status = Number(/\d+/.exec(url ?? "")?.[0] ?? 200);
    response
      .writeHead(status, { server: "test/1", ...(status === 302 && { location: "https://u:geheim@next/a?secret=1" }) })
      .end("body");
  });
  let port: number;
  before(async () => {
    port = await listening(server);
  });
  after(() => server.close());

  test("the status, the server and the time to the first byte are shown", async () => {
    const { code, dial } = await dialed([`http://127.0.0.1:${port}/a/b?c=d`]);
    assert.equal(code, 0);
    assert.equal(dial.http.status, 200);
    assert.equal(dial.http.server, "test/1");
    assert.ok(dial.http.firstByteMs > 0);
    assert.deepEqual(seen.at(-1), { method: "GET", url: "/a/b?c=d", authorization: undefined });
    assert.equal(dial.target, `http://127.0.0.1:${port}/a/b`);
  });

  test("--method HEAD sends HEAD, and userinfo is sent as Basic", async () => {
    await dialed(["--method", "head", `http://us%3Aer:p%40ss@127.0.0.1:${port}`]);
    const authorization = `Basic ${Buffer.from("us:er:p@ss").toString("base64")}`;
    assert.deepEqual(seen.at(-1), { method: "HEAD", url: "/", authorization });
  });

  test("an error status appears in the verdict and is not a failed dial", async () => {
    const { code, verdict } = await dialed([`http://127.0.0.1:${port}/503`]);
    assert.equal(code, 0);
    assert.match(verdict, /it answers 503: it is the service, not the connection$/);
  });

  test("a redirect is shown without its userinfo and query", async () => {
    const { stdout } = await runCli([`http://127.0.0.1:${port}/302`]);
    assert.match(stdout, /redirects to\s+https:\/\/next\/a$/m);
  });

  test("an HTTPS server is dialed with TLS and answers", async () => {
    const issued = ca.issue({ name: "a", alternatives: ["IP:127.0.0.1"] });
    const secure = createHttpsServer(issued, (_request, response) => response.writeHead(204).end());
    const { code, dial } = await dialed(["--ca", caFile, `https://127.0.0.1:${await listening(secure)}`]);
    secure.close();
    assert.equal(code, 0);
    assert.equal(dial.http.status, 204);
    assert.equal(dial.tls.alpn, "http/1.1");
    assert.deepEqual(Object.keys(dial.phases), ["connect", "tls", "handshake"]);
  });

  test("an answer that is not HTTP, one that is too long and a missing one have different verdicts", async () => {
    await using other = await peer((socket) => socket.end("SSH-2.0-x\r\n"));
    await using long = await peer((socket) => socket.write(`HTTP/1.1 200 OK\r\na: ${"b".repeat(40_000)}`));
    await using closing = await peer((socket) => socket.once("data", () => socket.end()));
    const { dials } = await dialed([other, long, closing].map(({ address }) => `http://${address}`));
    assert.deepEqual(
      dials.map(({ reason }) => reason),
      ["protocol", "protocol", "handshake_closed"],
    );
  });
});
