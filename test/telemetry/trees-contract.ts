import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { beforeEach, describe, it } from "node:test";
import type { TracerProvider } from "@opentelemetry/api";
import { compose, type Dialer, httpProxy, type Middleware, type TcpOptions, tcp, tls } from "../../src/index.ts";
import { natsTracing, withTracing } from "../../src/otel.ts";
import { authority } from "../support/certificates.ts";
import { blackHole } from "../support/full-backlog.ts";
import { connecting, eager } from "../support/nats-client.ts";
import { startNats } from "../support/nats-server.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";
import { type SdkLine, useContextManager } from "./sdk-lines.ts";
import { linksOf, spanRecorder, spanTree } from "./span-tree.ts";

/** Tests whole span trees of dialers and real servers with one version of OpenTelemetry's SDK. */
export function treeTests(sdk: SdkLine): void {
  useContextManager(sdk);
  let recorder = spanRecorder();
  let tracerProvider: TracerProvider = sdk.provider(recorder);
  beforeEach(() => {
    recorder = spanRecorder();
    tracerProvider = sdk.provider(recorder);
  });

  const traced = (...layers: [...Middleware[], Dialer]): Dialer =>
    compose(withTracing({ tracerProvider }), ...(layers as [Dialer]));

  function assertTree(expected: string, names: Readonly<Record<string, string>> = {}): void {
    assert.equal(spanTree(recorder.started, names), expected.trim().replaceAll(/\n {4}/g, "\n"));
    assert.deepEqual(recorder.open, [], "no span is left open");
    assert.equal(recorder.ends, recorder.started.length, "each span ends once");
  }

  it("withTracing marks the losing address of a race as canceled, not as an error", async () => {
    await using hole = await blackHole();
    const server = createServer((socket) => socket.resume()).listen(hole.port, "127.0.0.2");
    await once(server, "listening");
    const lookup: TcpOptions["lookup"] = (_host, _options, done) =>
      done(
        null,
        ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 })),
      );
    const dial = traced(tcp({ lookup, connectionAttemptDelayMs: 20 }));
    const underWay: number[] = [];
    const connectStart = () => underWay.push(recorder.open.filter((name) => name === "connect").length);
    (await dial(`db.internal:${hole.port}`, { trace: { connectStart } })).destroy();
    server.close();
    assertTree(
      `
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=success network.transport=tcp server.address=db.internal server.port=PORT
      attempt dialer.attempt.number=1 dialer.endpoint=db.internal:PORT
        dns lookup dns.answers=[127.0.0.1,127.0.0.2] dns.question.name=db.internal
        connect dialer.outcome=canceled network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.2 network.peer.port=PORT network.type=ipv4`,
      { [hole.port]: "PORT" },
    );
    assert.deepEqual(underWay, [1, 2], "both connects were in progress");
  });

  describe("TLS", () => {
    const ca = authority();
    const valid = ca.issue({ name: "db.test" });

    it("withTracing records an untrusted certificate on handshake, attempt and dial", async () => {
      await using server = await tlsPeer(valid);
      const dial = traced(tls({}, tcp({ lookup: loopback, family: 4 })) as never as Dialer);
      await assert.rejects(dial(`db.test:${server.port}`), { reason: "tls_cert_untrusted" });
      const message = '"dial db.test:PORT: unable to verify the first certificate" ';
      assertTree(
        `
    dial Error ${message}dialer.attempt.count=1 dialer.name=default dialer.outcome=failure error.type=tls_cert_untrusted network.transport=tcp server.address=db.test server.port=PORT
      attempt Error ${message}dialer.attempt.number=1 dialer.endpoint=db.test:PORT error.type=tls_cert_untrusted
        dns lookup dns.answers=[127.0.0.1] dns.question.name=db.test
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
        tls handshake Error "unable to verify the first certificate" error.type=tls_cert_untrusted server.address=db.test`,
        // Newer Node.js versions add advice to the message.
        {
          [server.port]: "PORT",
          "; if the root CA is installed locally, try running Node.js with --use-system-ca": "",
        },
      );
    });

    it("withTracing records the target on the dial and the proxy on the proxy's span", async () => {
      await using server = await tlsPeer(valid);
      await using proxy = await peer((socket) => {
        socket.once("data", () => {
          socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
          const through = tcp()(`127.0.0.1:${server.port}`);
          through.then((conn) => socket.pipe(conn.on("error", () => {})).pipe(socket));
        });
      });
      const over = httpProxy({ proxy: `http://${proxy.address}` });
      const dial = traced(tls({ ca: ca.cert, maxVersion: "TLSv1.2" }, over) as never as Dialer);
      (await dial(`db.test:${server.port}`)).destroy();
      const { attributes } = recorder.started.find(({ name }) => name === "tls handshake") ?? {};
      assertTree(
        `
    dial dialer.attempt.count=1 dialer.name=default dialer.outcome=success network.transport=tcp server.address=db.test server.port=PORT
      attempt dialer.attempt.number=1 dialer.endpoint=db.test:PORT
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PROXY network.type=ipv4
        proxy connect dialer.proxy.type=http network.peer.address=127.0.0.1 network.peer.port=PROXY
        tls handshake server.address=db.test tls.cipher=CIPHER tls.protocol.name=tls tls.protocol.version=1.2 tls.resumed=false tls.server.not_after=END`,
        {
          [server.port]: "PORT",
          [proxy.port]: "PROXY",
          [`${attributes?.["tls.cipher"]}`]: "CIPHER",
          [`${attributes?.["tls.server.not_after"]}`]: "END",
        },
      );
    });
  });

  describe("NATS", () => {
    const connect = connecting();

    it("withTracing and natsTracing create separate, linked traces for a reconnect", async () => {
      await using server = await startNats();
      const base = tcp();
      let toRefuse = 0;
      const refusing: Dialer = (target, options) => {
        toRefuse -= 1;
        if (toRefuse < 0) return base(target, options);
        return Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
      };
      let back = false;
      const nc = await connect({
        servers: server.address,
        name: "orders",
        dialer: traced(refusing),
        trace: natsTracing({ tracerProvider }),
        ...eager,
        onReconnect: () => {
          back = true;
        },
      });
      toRefuse = 2;
      await nc.reconnect();
      await until(() => back && recorder.open.length === 0, "the client is back");

      const { server_id: id = "", version = "", server_name: serverName = "" } = nc.info ?? {};
      const dial = "dial dialer.attempt.count=1 dialer.name=default";
      const target = "network.transport=tcp server.address=127.0.0.1 server.port=PORT";
      const attempt = "attempt dialer.attempt.number=1 dialer.endpoint=127.0.0.1:PORT";
      const good = `
    ${dial} dialer.outcome=success ${target}
      ${attempt}
        connect network.local.address=127.0.0.1 network.peer.address=127.0.0.1 network.peer.port=PORT network.type=ipv4
        protocol handshake nats.server.id=ID nats.server.name=ID nats.server.version=VERSION network.protocol.name=nats
          (info)
          (connect)
          (pong)`;
      const refused = `
    dial Error "dial 127.0.0.1:PORT: connect ECONNREFUSED"${dial.slice(4)} dialer.outcome=failure error.type=refused ${target}
      attempt Error "dial 127.0.0.1:PORT: connect ECONNREFUSED"${attempt.slice(7)} error.type=refused`;
      const episode = `
    nats reconnect nats.client.disconnect.reason=forced nats.client.disconnect.server=127.0.0.1:PORT nats.client.name=orders nats.client.reconnect.attempt.count=3 nats.server.id=ID nats.server.name=ID nats.server.version=VERSION server.address=127.0.0.1 server.port=PORT`;
      assert.equal(id, serverName);
      assertTree(`${good}${refused}${refused}${good}${episode}`, {
        [server.port]: "PORT",
        [id]: "ID",
        [version]: "VERSION",
      });
      const roots = recorder.started.filter(({ parentSpanContext }) => parentSpanContext === undefined);
      assert.deepEqual(
        roots.map((span) => linksOf(span, roots)),
        [
          [],
          ["previous_connection: dial 0"],
          ["previous_connection: dial 0", "episode: dial 1"],
          ["previous_connection: dial 0", "episode: dial 1"],
          ["previous_connection: dial 0", "connection: dial 3"],
        ],
      );
      assert.equal(new Set(roots.map((span) => span.spanContext().traceId)).size, roots.length);
    });
  });

  it("withTracing ends every span of 200 concurrent dials, and each has its parent", async () => {
    await using server = await goodPeer();
    const { api } = sdk;
    const tracer = tracerProvider.getTracer("test");
    const dial = traced(tcp());
    const marks = { inHandshake: 0 };
    const one = async (index: number) => {
      const request = tracer.startSpan(`request ${index}`);
      const within = api.trace.setSpan(api.context.active(), request);
      await api.context.with(within as never, async () => {
        const signal = index % 3 === 0 ? AbortSignal.timeout(index % 5) : undefined;
        const conn = await dial(server.address, {
          ...(signal && { signal }),
          handshake: async (ready) => {
            await new Promise((resolve) => setTimeout(resolve, index % 4));
            tracer.startSpan(`handshake ${index}`).end();
            marks.inHandshake += 1;
            if (index % 7 === 0) throw new Error("no");
            return ready;
          },
        }).catch(() => undefined);
        tracer.startSpan(`afterwards ${index}`).end();
        conn?.destroy();
      });
      request.end();
    };
    await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));
    await until(() => recorder.open.length === 0, "the ends of all spans");
    const byId = new Map(recorder.started.map((span) => [span.spanContext().spanId, span]));
    const above = (span: (typeof recorder.started)[number]) => byId.get(span.parentSpanContext?.spanId ?? "");
    for (const span of recorder.started) {
      const [name, index] = span.name.split(" ");
      if (name === "afterwards") assert.equal(above(span)?.name, `request ${index}`);
      if (name !== "handshake") continue;
      // A span of work that continued after its dial was aborted is beneath the request.
      const parent = above(span);
      const asked = parent?.name === "dial" ? above(parent) : parent;
      assert.equal(asked?.name, `request ${index}`);
    }
    assert.ok(marks.inHandshake > 100, `${marks.inHandshake}`);
    assert.equal(recorder.ends, recorder.started.length);
  });
}
