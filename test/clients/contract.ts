/**
 * What every client must do with a dialer in it, as one table of scenarios. A file of tests has an entry for each client and
 * passes it to {@link clientScenarios}.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Registry } from "prom-client";
import { compose, type Dialer, tcp, withTrace } from "../../src/index.ts";
import { withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { authority, type Issued } from "../support/certificates.ts";
import { blackHole } from "../support/full-backlog.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, pendingConnects, until } from "../support/resources.ts";
import { scrape } from "../telemetry/exposition.ts";
import { sdk2, useContextManager } from "../telemetry/sdk-lines.ts";
import { spanRecorder } from "../telemetry/span-tree.ts";

/** A running server, real or fake. */
export interface ClientServer extends AsyncDisposable {
  readonly port: number;
  stop(): Promise<void>;
}

/** How a client is made. */
export interface ClientSetup {
  /** The client's connections are made by it, to `127.0.0.1:port`. */
  readonly dialer: Dialer;
  readonly port: number;
  /** TLS inside the client's protocol: it must verify the server as `localhost`, by this authority. `undefined` for no TLS. */
  readonly ca?: string | undefined;
  /** The client's own timeout of connecting, in milliseconds; `undefined` for at least 30 s, or the client's default. */
  readonly timeoutMs?: number | undefined;
  /** Whether every connect fails. A client that retries then needs a short limit. @defaultValue false */
  readonly fails?: boolean;
}

/** A client in use. */
export interface TestClient {
  /** Connects if it is not connected, sends a request and resolves with the answer. */
  ask(): Promise<unknown>;
  /** Ends the client, connected or not. */
  close(): unknown;
}

/** What clients must do, as in {@link clientScenarios}. */
export type Scenario =
  | "query"
  | "restart"
  | "refused"
  | "silent"
  | "close"
  | "tls"
  | "spans"
  | "metrics"
  | "descriptors";

/** One client, with the adapter that puts a dialer into it. */
export interface ClientEntry {
  /** The client and the adapter, for titles: `pg.Client with pgStream`. */
  readonly name: string;
  /** What {@link TestClient.ask} resolves with. */
  readonly answer: unknown;
  /** Starts a server; `port` is that of a restart, and `tls` its certificate. */
  start(options: { readonly port?: number | undefined; readonly tls?: Issued | undefined }): Promise<ClientServer>;
  /** Returns the number of connections that the server has received, by its own count. */
  connections(server: ClientServer): number | Promise<number>;
  make(setup: ClientSetup): TestClient;
  /** Returns the error of the dial from the error that `ask` rejects with. @defaultValue the error itself */
  dialErrorOf?(error: unknown): unknown;
  /** Scenarios that the client cannot pass, with the reason. */
  readonly exceptions?: Partial<Record<Scenario, string>>;
}

/** A dialer over `base` that records how its dials begin and end. */
export function recorded(base: Dialer = tcp()) {
  const starts: { background: boolean; owner: object | undefined }[] = [];
  const outcomes: string[] = [];
  const layer = withTrace({
    dialStart: ({ background, owner }) => void starts.push({ background, owner }),
    dialDone: ({ outcome, reason }) => void outcomes.push(reason ?? outcome),
  });
  return { dialer: compose(layer, base), starts, outcomes };
}

/** Asks until the client answers: a pool finds out only by asking which of its connections are lost. */
export async function answerOf(client: TestClient): Promise<unknown> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      return await client.ask();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const ignore = () => {};

/** Runs every scenario with one client. */
export function clientScenarios(entry: ClientEntry): void {
  describe(entry.name, () => {
    let server: ClientServer;
    let socketsBefore = 0;
    before(async () => {
      server = await entry.start({});
      socketsBefore = openSockets();
    });
    after(() => server.stop());

    /** Waits until this process has no more sockets than before the test, and their closes are reported. */
    const nothingOpen = async () => {
      const isClosed = () => openSockets() <= socketsBefore && pendingConnects() === 0;
      await until(isClosed, "every socket of the client is closed");
      // A socket that is being closed does not count as open. It emits `close` at the end of a turn of the event loop.
      for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
    };

    const scenario = (name: Scenario, title: string, run: () => Promise<void>) => {
      const reason = entry.exceptions?.[name];
      const full = `${entry.name}: ${title}`;
      if (reason === undefined) test(full, run);
      else test(full, { skip: reason });
    };

    scenario(
      "query",
      "a request is answered through the dialer, and closing the client closes the connection",
      async () => {
        const { dialer, starts, outcomes } = recorded();
        const client = entry.make({ dialer, port: server.port });
        assert.deepEqual(await client.ask(), entry.answer);
        await client.close();
        assert.equal(outcomes[0], "success");
        assert.equal(starts[0]?.background, false);
        assert.ok(starts[0]?.owner !== undefined, "the dial has an owner");
        await nothingOpen();
      },
    );

    scenario(
      "restart",
      "after a restart of the server it reconnects through the dialer, as a background dial of the same owner",
      async () => {
        const { dialer, starts, outcomes } = recorded();
        const client = entry.make({ dialer, port: server.port });
        assert.deepEqual(await client.ask(), entry.answer);
        const dialsBefore = starts.length;
        await server.stop();
        server = await entry.start({ port: server.port });
        assert.deepEqual(await answerOf(client), entry.answer);
        await client.close();
        const reconnects = starts.slice(dialsBefore);
        assert.ok(reconnects.length > 0, "it has dialed again");
        for (const { background, owner } of reconnects) {
          assert.equal(background, true);
          assert.equal(owner, starts[0]?.owner);
        }
        assert.equal(outcomes.at(-1), "success");
        await nothingOpen();
      },
    );

    scenario("refused", "when the server refuses the connection the error has the dial's reason and code", async () => {
      const { dialer, outcomes } = recorded();
      const client = entry.make({ dialer, port: await freePort(), fails: true });
      const error = await client.ask().then(
        () => assert.fail("it was answered"),
        (thrown: unknown) => (entry.dialErrorOf ?? ((each) => each))(thrown),
      );
      const { reason, code } = error as { reason?: unknown; code?: unknown };
      assert.deepEqual({ reason, code }, { reason: "refused", code: "ECONNREFUSED" });
      await client.close();
      assert.equal(outcomes[0], "refused");
      await nothingOpen();
    });

    scenario("silent", "the client's own timeout cancels the dial once, and leaves nothing open", async () => {
      await using hole = await blackHole();
      const idle = { sockets: openSockets(), connects: pendingConnects() };
      const { dialer, starts, outcomes } = recorded();
      const client = entry.make({ dialer, port: hole.port, timeoutMs: 300, fails: true });
      await assert.rejects(client.ask());
      await client.close();
      await until(() => outcomes.length >= starts.length, "every dial has ended");
      assert.deepEqual(outcomes, ["canceled"]);
      await until(() => isBackTo(idle), "no connect is in progress");
    });

    scenario("close", "closing the client while it dials cancels the dial once, and leaves nothing open", async () => {
      await using hole = await blackHole();
      const idle = { sockets: openSockets(), connects: pendingConnects() };
      const { dialer, starts, outcomes } = recorded();
      const client = entry.make({ dialer, port: hole.port, fails: true });
      const asked = client.ask().catch(ignore);
      await until(() => starts.length === 1, "the dial has begun");
      const closed = Promise.resolve(client.close()).catch(ignore);
      await until(() => outcomes.length === 1, "the dial has ended");
      assert.deepEqual(outcomes, ["canceled"]);
      await until(() => isBackTo(idle), "no connect is in progress");
      // Some clients never settle a request that they gave up.
      await Promise.race([Promise.all([asked, closed]), new Promise((resolve) => setTimeout(resolve, 50))]);
      assert.equal(starts.length, 1);
    });

    scenario(
      "tls",
      "TLS inside the protocol verifies the server: its own authority is accepted and another is refused",
      async () => {
        const ca = authority();
        const secured = await entry.start({ tls: ca.issue({ name: "localhost" }) });
        try {
          const { dialer } = recorded();
          const good = entry.make({ dialer, port: secured.port, ca: ca.cert });
          assert.deepEqual(await good.ask(), entry.answer);
          await good.close();
          const bad = entry.make({ dialer, port: secured.port, ca: authority("another CA").cert, fails: true });
          const error = await bad.ask().then(
            () => assert.fail("it was answered"),
            (thrown: unknown) => thrown,
          );
          assert.match(textOf(error), /certificate|UNABLE_TO_|SELF_SIGNED/i);
          await Promise.resolve(bad.close()).catch(ignore);
          await nothingOpen();
        } finally {
          await secured.stop();
        }
      },
    );

    scenario("spans", "the span of a dial is a child of the span that was active when the client dialed", async () => {
      useContextManager(sdk2);
      const { context, trace } = sdk2.api;
      const recorder = spanRecorder();
      const tracerProvider = sdk2.provider(recorder);
      const dialer = compose(withTracing({ tracerProvider }), tcp());
      const request = tracerProvider.getTracer("test").startSpan("request");
      const client = await context.with(trace.setSpan(context.active(), request), async () => {
        const made = entry.make({ dialer, port: server.port });
        assert.deepEqual(await made.ask(), entry.answer);
        return made;
      });
      await client.close();
      request.end();
      await nothingOpen();
      const dial = recorder.started.find(({ name }) => name === "dial");
      assert.equal(dial?.parentSpanContext?.spanId, request.spanContext().spanId);
      await until(() => recorder.open.length === 0, "every span has ended");
    });

    scenario("metrics", "the connections that the metrics count are those that the server has received", async () => {
      const registry = new Registry();
      const dialer = compose(withPrometheus({ registry }), tcp());
      const count = async () => entry.connections(server);
      const start = await count();
      for (let round = 0; round < 3; round += 1) {
        const client = entry.make({ dialer, port: server.port });
        assert.deepEqual(await client.ask(), entry.answer);
        await client.close();
      }
      await nothingOpen();
      const scraped = await scrape(registry);
      const established = scraped.value("dialer_connection_established_total", { dialer_name: "default" });
      assert.ok(established >= 3);
      const deadline = Date.now() + 30_000;
      let received = (await count()) - start;
      while (received < established && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        received = (await count()) - start;
      }
      assert.equal(received, established);
      const closed = scraped.samples.filter(({ name }) => name === "dialer_connection_closed_total");
      assert.equal(
        closed.reduce((sum, { value }) => sum + value, 0),
        established,
      );
    });

    scenario("descriptors", "20 clients that ask and 3 that are refused leave no file descriptor open", async () => {
      const { dialer } = recorded();
      const asks = async () => {
        const client = entry.make({ dialer, port: server.port });
        assert.deepEqual(await client.ask(), entry.answer);
        await client.close();
      };
      const isRefused = async () => {
        const client = entry.make({ dialer, port: await freePort(), fails: true });
        await assert.rejects(client.ask());
        await client.close();
      };
      // The first opens what stays open, such as files of modules that are loaded late.
      await asks();
      await isRefused();
      await nothingOpen();
      const descriptors = openDescriptors();
      for (let count = 0; count < 20; count += 1) await asks();
      for (let count = 0; count < 3; count += 1) await isRefused();
      await nothingOpen();
      await until(() => openDescriptors() <= descriptors, "the descriptors are back to the start");
    });
  });
}

/** The error with its causes and codes, as text. */
function textOf(error: unknown): string {
  if (error === null || typeof error !== "object") return String(error);
  const { message, code, cause } = error as { message?: unknown; code?: unknown; cause?: unknown };
  return `${message} ${code} ${cause === undefined ? "" : textOf(cause)}`;
}

/** Whether this process has no more sockets and connects in progress than it had; those that fill a black hole stay. */
function isBackTo({ sockets, connects }: { readonly sockets: number; readonly connects: number }): boolean {
  return pendingConnects() <= connects && openSockets() <= sockets;
}

function openDescriptors(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : openSockets();
}
