import assert from "node:assert/strict";
import { test } from "node:test";
import { createTransport } from "nodemailer";
import { nodemailerSocket } from "../../src/clients.ts";
import { tcp } from "../../src/index.ts";
import { blackHole } from "../support/full-backlog.ts";
import { goodPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { type ClientEntry, type ClientSetup, clientScenarios, recorded } from "./contract.ts";
import type { FakeServer } from "./fake-server.ts";
import { smtpPeer } from "./smtp-peer.ts";

const message = { from: "app@example.com", to: "user@example.com", subject: "hello", text: "hello" };

function transportOf({ dialer, port, ca, timeoutMs }: ClientSetup, isImplicit: boolean, pool: boolean) {
  return createTransport({
    host: "127.0.0.1",
    port,
    secure: isImplicit && ca !== undefined,
    ignoreTLS: ca === undefined,
    requireTLS: ca !== undefined,
    ...(ca !== undefined && { tls: { ca, servername: "localhost" } }),
    ...(timeoutMs !== undefined && { connectionTimeout: timeoutMs }),
    ...(pool && { pool: true as const, maxConnections: 1 }),
    getSocket: nodemailerSocket(dialer),
  });
}

const server: Pick<ClientEntry, "answer" | "connections" | "dialErrorOf"> = {
  answer: "250 queued",
  connections: (started) => (started as FakeServer).accepted,
  // The client replaces the code of every error of a socket.
  dialErrorOf: (error) => {
    const { reason, code, originalCode } = error as { reason?: unknown; code?: unknown; originalCode?: unknown };
    assert.equal(code, "ESOCKET");
    return { reason, code: originalCode };
  },
};

for (const pool of [false, true]) {
  for (const isImplicit of [true, false]) {
    clientScenarios({
      ...server,
      name: `nodemailer, ${pool ? "pooled, " : ""}with ${isImplicit ? "implicit TLS" : "STARTTLS"}, with nodemailerSocket`,
      start: (options) => smtpPeer(options, isImplicit),
      exceptions: pool ? {} : { restart: "without a pool every message has a connection of its own, and waits for it" },
      make(setup) {
        const transport = transportOf(setup, isImplicit, pool);
        const controller = new AbortController();
        return {
          ask: async () => (await transport.sendMail({ ...message, signal: controller.signal })).response,
          close() {
            controller.abort();
            transport.close();
          },
        };
      },
    });
  }
}

test("each message of nodemailer without a pool is a dial that its caller waits for", async () => {
  await using smtp = await smtpPeer({}, false);
  const { dialer, starts } = recorded();
  const transport = transportOf({ dialer, port: smtp.port }, false, false);
  for (let count = 0; count < 3; count += 1) await transport.sendMail(message);
  transport.close();
  assert.deepEqual(
    starts.map(({ background }) => background),
    [false, false, false],
  );
  assert.equal(new Set(starts.map(({ owner }) => owner)).size, 1);
});

test("nodemailer's own timeout ends a connection whose greeting never comes", async () => {
  await using silent = await goodPeer();
  // Connected before the client's timeout begins, which must end the connection and not the dial.
  const conn = await tcp()(silent.address);
  const { dialer, outcomes } = recorded(async () => conn);
  const transport = createTransport({
    port: silent.port,
    host: "127.0.0.1",
    greetingTimeout: 300,
    getSocket: nodemailerSocket(dialer),
  });
  await assert.rejects(transport.sendMail(message), /Greeting never received/);
  await until(() => silent.open.size === 0, "nothing is open");
  assert.deepEqual(outcomes, ["success"]);
});

test("aborting a message of nodemailer while its connection is dialed cancels the dial", async () => {
  await using hole = await blackHole();
  const { dialer, starts, outcomes } = recorded();
  const transport = createTransport({ port: hole.port, host: "127.0.0.1", getSocket: nodemailerSocket(dialer) });
  const controller = new AbortController();
  const sent = transport.sendMail({ ...message, signal: controller.signal });
  await until(() => starts.length === 1, "the dial has begun");
  controller.abort();
  await assert.rejects(sent, { name: "AbortError" });
  await until(() => outcomes.length === 1, "the dial has ended");
  assert.deepEqual(outcomes, ["canceled"]);
});
