import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import { nkeyAuthenticator, nkeys } from "@nats-io/transport-node";
import { Registry } from "prom-client";
import type { ClientTrace } from "../src/client/client-trace.ts";
import { dialEventNames } from "../src/core/trace.ts";
import {
  compose,
  type Dialer,
  type DialOptions,
  type DialTrace,
  type Handshake,
  httpProxy,
  socksProxy,
  type TargetLike,
  type TcpOptions,
  tcp,
  withLog,
  withRetry,
  withTimeout,
  withTrace,
} from "../src/index.ts";
import { inspector } from "../src/inspector.ts";
import { type ConnectOptions, connect } from "../src/nats.ts";
import { withTracing } from "../src/otel.ts";
import { natsMetrics, withPrometheus } from "../src/prometheus.ts";
import { startNats } from "./support/nats-server.ts";
import { freePort, goodPeer, type Peer, peer, silentPeer } from "./support/peers.ts";
import { until } from "./support/resources.ts";
import { playedClient } from "./telemetry/clients.ts";
import { sdk2 } from "./telemetry/sdk-lines.ts";
import { spanRecorder } from "./telemetry/span-tree.ts";

const { privateKey } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** Deliberately unusual characters: each one ends a part of a URL unless it is percent-encoded. */
const secrets = {
  user: "Qx1user@Qx1host:Qx1more",
  password: "Qx2aa@Qx2bb/Qx2cc:Qx2dd?Qx2ee#Qx2ff%Qx2gg,Qx2hh \"Qx2ii'Qx2jj+Qx2kk",
  token: "Qx3token+Qx3slash/Qx3equals=",
  otherPassword: "Qx4wrong@Qx4password",
  seed: new TextDecoder().decode(nkeys.createUser().getSeed()),
  privateKey,
  brokenKey: "-----BEGIN PRIVATE KEY-----\nQx5brokenkeytext\n-----END PRIVATE KEY-----\n",
};

/** The parts between a secret's unusual characters; each part must stay secret too. */
function partsOf(secret: string): string[] {
  return secret
    .split(/[^\w]+/)
    .filter((part) => part.startsWith("Qx") || part.length >= 8)
    .filter((part) => part !== "PRIVATE");
}

/** All texts that reveal a secret: the whole secret and each of its parts, in several encodings. */
const needles = Object.entries(secrets).flatMap(([name, secret]) =>
  [secret, ...partsOf(secret)]
    .flatMap((part) => {
      const bytes = Buffer.from(part);
      const base64 = bytes.toString("base64").replace(/=+$/, "");
      const quoted = JSON.stringify(part).slice(1, -1);
      return [part, quoted, encodeURI(part), encodeURIComponent(part), base64, bytes.toString("hex")];
    })
    .map((needle) => ({ name, needle })),
);

function leaksIn(text: string): string[] {
  const texts = [text, decoded(text)];
  return [
    ...new Set(
      needles
        .filter(({ needle }) => texts.some((each) => each.includes(needle)))
        .map(({ name, needle }) => `${name}: ${needle}`),
    ),
  ];
}

function decoded(text: string): string {
  return text.replaceAll(/(%[\da-f]{2})+/gi, (escaped) => Buffer.from(escaped.replaceAll("%", ""), "hex").toString());
}

/** Everything the package has output since the test began, with the place of each output. */
let heard: { place: string; text: string }[] = [];
const hear = (place: string, ...what: unknown[]) => {
  for (const each of what) heard.push({ place, text: typeof each === "string" ? each : inspect(each, { depth: 3 }) });
};

function hearError(place: string, error: unknown): void {
  const whole = { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null, maxArrayLength: null };
  hear(place, inspect(error, whole), String(error), JSON.stringify(error) ?? "");
  for (let each = error as Error | undefined; each instanceof Error; each = each.cause as Error | undefined) {
    hear(place, each.message, each.stack ?? "", JSON.stringify({ ...each }));
  }
}

const registry = new Registry();
const livePage = inspector();
let recorder = spanRecorder();

/** Hooks for all events that record the event infos, except the sockets. */
function listening<H extends object>(place: string, names: readonly (keyof H & string)[]): H {
  const hooks: Record<string, (info: Record<string, unknown>) => void> = {};
  for (const name of names) {
    hooks[name] = (told: Record<string, unknown>) => {
      const { conn: _conn, socket: _socket, ...info } = told;
      hear(`${place} ${name}`, info);
      if (info.error !== undefined) hearError(`${place} ${name} error`, info.error);
    };
  }
  return hooks as H;
}

const dialTrace = listening<DialTrace>("DialTrace", dialEventNames);

/** A lookup that fails without a query. */
const lookup: TcpOptions["lookup"] = (host, _options, done) =>
  done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" }), []);

function observedDialer(attemptMs = 5000): Dialer {
  return compose(
    withTracing({ tracerProvider: sdk2.provider(recorder) }),
    withTracing({ tracerProvider: sdk2.provider(recorder), mode: "events" }),
    withPrometheus({ registry, goConntrack: true }),
    livePage.observe(),
    withLog({ info: (line) => hear("withLog", line), warn: (line) => hear("withLog", line) }),
    withLog({ info: (text) => hear("a waterfall", text), warn: (text) => hear("a waterfall", text) }, { pretty: true }),
    withTrace(dialTrace),
    withTimeout({ timeoutMs: 3 * attemptMs }),
    withRetry({ maxAttempts: 2, initialBackoffMs: 1 }),
    withTimeout({ timeoutMs: attemptMs }),
    tcp({ lookup }),
  );
}

function clientTrace(): ClientTrace {
  const { client } = playedClient([]);
  const metrics = natsMetrics({ registry })(client) ?? {};
  const page = livePage.client()(client) ?? {};
  const hooks = listening<ClientTrace>("ClientTrace", ["stateChange", "disconnect", "reconnectAttempt", "reconnect"]);
  return {
    stateChange(info) {
      metrics.stateChange?.(info);
      page.stateChange?.(info);
      hooks.stateChange?.(info);
    },
    disconnect(info) {
      metrics.disconnect?.(info);
      page.disconnect?.(info);
      hooks.disconnect?.(info);
    },
    reconnectAttempt: (info) => hooks.reconnectAttempt?.(info),
    reconnect(info) {
      page.reconnect?.(info);
      hooks.reconnect?.(info);
    },
  };
}

/** Fails when any recorded output reveals part of a secret. */
async function assertSilent(atLeast: readonly string[]): Promise<void> {
  // Late events and warnings arrive within the next turns.
  await new Promise((resolve) => setTimeout(resolve, 10));
  for (const span of recorder.started) {
    const { name, attributes, events, status } = span;
    hear("span", inspect({ name, attributes, events, status }, { depth: Number.POSITIVE_INFINITY }));
  }
  hear("metrics", await registry.metrics());
  await hearLivePage();
  const places = new Set(heard.map(({ place }) => place));
  for (const place of atLeast)
    assert.ok(places.has(place), `no output was recorded at ${place}, so this test checks nothing`);
  for (const { place, text } of heard) assert.deepEqual(leaksIn(text), [], `${place} reveals a secret: ${text}`);
}

/** Records what the live page receives: its data and the first event of the stream. */
async function hearLivePage(): Promise<void> {
  await using server = await livePage.listen();
  for (const path of ["json", "events"]) {
    const { body } = await fetch(new URL(path, server.url));
    let text = "";
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.endsWith("\n\n")) break;
    }
    hear(`live page ${path}`, text);
  }
}

const real = { log: console.log, info: console.info, warn: console.warn, error: console.error, debug: console.debug };
const stderrWrite = process.stderr.write;
const onWarning = (warning: Error) => hearError("warning", warning);

before(() => {
  process.on("warning", onWarning);
  for (const name of Object.keys(real) as (keyof typeof real)[]) {
    console[name] = (...what: unknown[]) => hear(`console.${name}`, ...what);
  }
  process.stderr.write = ((chunk: string | Uint8Array) => {
    hear("stderr", typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
    return true;
  }) as typeof process.stderr.write;
});

after(() => {
  Object.assign(console, real);
  process.stderr.write = stderrWrite;
  process.off("warning", onWarning);
});

/** Runs `work`, which may fail, and records its error. */
async function hearing(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    hearError("thrown", error);
    return error;
  }
}

function fresh(work: () => Promise<void>): () => Promise<void> {
  return async () => {
    heard = [];
    recorder = spanRecorder();
    await work();
  };
}

const encode = encodeURIComponent;
const userinfo = `${encode(secrets.user)}:${encode(secrets.password)}`;
/** URLs as users paste them, without any encoding. */
const rawUserinfo = `${secrets.user}:${secrets.password}`;

describe("the search for secrets", () => {
  for (const [name, secret] of Object.entries(secrets)) {
    it(`the search finds ${name}, whole or in part, encoded or not`, () => {
      const part = partsOf(secret)[0] as string;
      for (const leak of [
        secret,
        encode(secret),
        Buffer.from(secret).toString("base64"),
        part,
        encode(part),
        inspect({ a: [part] }),
      ]) {
        assert.notDeepEqual(leaksIn(`dial nats://${leak}@host failed`), [], leak);
      }
    });
  }

  it("the search covers every output and fails where a secret appears", async () => {
    heard = [];
    const leaky = new Error("no", {
      cause: Object.assign(new Error("inner"), { options: { deep: { pass: secrets.password } } }),
    });
    await hearing(async () => {
      throw leaky;
    });
    await assert.rejects(assertSilent(["thrown"]), /thrown reveals a secret/);
    for (const leak of [
      () => console.warn("connecting as", secrets.user),
      () => process.stderr.write(secrets.token),
      () => process.emitWarning(secrets.seed),
      () => dialTrace.dnsStart?.({ host: secrets.otherPassword }),
      () => new Registry() && hear("metrics", `dialer_x{user="${secrets.user}"} 1`),
    ]) {
      heard = [];
      leak();
      await assert.rejects(assertSilent([]), /reveals a secret/, String(leak));
    }
    heard = [];
  });

  it("the search accepts output without secrets", () => {
    assert.deepEqual(leaksIn("dial nats://***@db.internal:4222 failed: PRIVATE KEY, BEGIN, password, user, token"), []);
  });
});

describe("secrets in dials", () => {
  const dialAll = (targets: readonly unknown[], options?: DialOptions, dial = observedDialer()) =>
    Promise.all(
      targets.map((target) =>
        hearing(async () => {
          const conn = await dial(target as TargetLike, options);
          conn.destroy();
        }),
      ),
    );

  it(
    "a dial that connects shows no secret",
    fresh(async () => {
      await using server = await goodPeer();
      const targets = [
        `nats://${userinfo}@${server.address}`,
        `${userinfo}@${server.address}`,
        new URL(`nats://${userinfo}@${server.address}/path?user=1#x`),
        `nats://${encode(secrets.token)}@${server.address}`,
        `nats://${secrets.user}:${secrets.otherPassword}@${server.address}`,
      ];
      assert.deepEqual(
        await dialAll(targets),
        targets.map(() => undefined),
      );
      await assertSilent([
        "withLog",
        "a waterfall",
        "span",
        "metrics",
        "live page json",
        "live page events",
        "DialTrace dialDone",
      ]);
    }),
  );

  it(
    "a dial that is refused or does not resolve shows no secret",
    fresh(async () => {
      const port = await freePort();
      await dialAll([`nats://${userinfo}@127.0.0.1:${port}`, `nats://${userinfo}@nowhere.invalid:${port}`]);
      await assertSilent(["thrown", "withLog", "a waterfall", "live page json", "span", "DialTrace retryExhausted"]);
    }),
  );

  it(
    "a dial that times out, is aborted or fails its handshake shows no secret",
    fresh(async () => {
      await using server = await silentPeer();
      const target = `nats://${userinfo}@${server.address}`;
      const handshake = () => new Promise<never>(() => {});
      await dialAll([target], { handshake }, observedDialer(100));
      await dialAll([target], { handshake, signal: AbortSignal.timeout(20) });
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 20);
      await dialAll([target], { handshake, signal: controller.signal });
      await dialAll([target], {
        handshake: async () => {
          throw new Error("'Authorization Violation'");
        },
      });
      await assertSilent(["thrown", "withLog", "span", "DialTrace timeout", "DialTrace handshakeDone error"]);
    }),
  );

  it(
    "a dial with an invalid target shows no secret",
    fresh(async () => {
      const targets = [...malformed("nats", userinfo), { host: `${rawUserinfo}@db.internal`, port: 4222 }];
      const errors = await dialAll(targets);
      for (const [index, error] of errors.entries()) {
        assert.equal((error as { code?: string }).code, "ERR_INVALID_TARGET", `${targets[index]}`);
      }
      await assertSilent(["thrown"]);
    }),
  );

  // URLs as users paste them, without any encoding. Text after a / or an @ is not the host.
  it(
    "a dial with an unencoded delimiter in its userinfo shows no secret",
    fresh(async () => {
      const infos = [rawUserinfo, "user:Qx2aa/Qx2bb", "Qx1user:4222/Qx2bb", "Qx3token?Qx3slash", "Qx3token#Qx3slash"];
      const targets = infos.flatMap((info) => [...malformed("nats", info), `nats://${info}@db.internal:4222`]);
      const errors = await dialAll(targets);
      for (const [index, error] of errors.entries()) {
        assert.equal((error as { code?: string } | undefined)?.code, "ERR_INVALID_TARGET", targets[index]);
      }
      await assertSilent(["thrown"]);
    }),
  );
});

/** Invalid targets with userinfo. */
function malformed(scheme: string, info: string): string[] {
  return [
    `${scheme}://${info}@db.internal:99999`,
    `${scheme}://${info}@db.internal:port`,
    `${scheme}://${info}@:4222`,
    `${scheme}://${info}@[::1`,
    `${scheme}://${info}@[nonsense]:4222`,
    `${scheme}://${info}@db internal:4222`,
    `${scheme}://${info}@`,
    `${info}@a:b:c`,
  ];
}

describe("secrets in invalid targets", () => {
  it(
    "an invalid target shows no secret of its query or fragment",
    fresh(async () => {
      const { token } = secrets;
      for (const rest of [`?password=${token}`, `/db?user=a&password=${token}`, `#${token}`, `/?a=b@${token}`]) {
        for (const start of ["nats://h:99999", "h:port", "nats://u:Qx2aa@h:x", "nats://[::1", "a b:1"]) {
          const error = await hearing(() => compose(tcp())(start + rest));
          assert.equal((error as { code?: string }).code, "ERR_INVALID_TARGET", start + rest);
        }
        await hearing(() => compose(tcp())({ host: `h${rest}`, port: 1 }));
        await hearing(() => compose(tcp())({ host: "h", port: `1${rest}` }));
        await hearing(async () => httpProxy({ proxy: `http://h:99999${rest}` }));
        await hearing(() => connect({ servers: `nats://h:99999${rest}` }));
      }
      await assertSilent(["thrown"]);
    }),
  );
});

/** The ways in which a peer may repeat what it received. */
const echoes: Readonly<Record<string, (sent: string) => string>> = {
  "in plain text": (sent) => sent,
  "as JSON": (sent) => JSON.stringify(sent),
  "percent-encoded": (sent) => encodeURIComponent(sent),
  "in base64": (sent) => Buffer.from(sent).toString("base64"),
  "in base64 at another offset": (sent) => Buffer.from(`xy${sent}`).toString("base64"),
  "in hexadecimal": (sent) => Buffer.from(sent).toString("hex"),
  "decoded from base64": (sent) =>
    sent.replace(/[\w+/=]{16,}/g, (run) =>
      Buffer.from(run, "base64")
        .toString()
        .replaceAll(/[^\x20-\x7e]/g, "."),
    ),
  "cut off": (sent) => sent.slice(0, Math.ceil(sent.length * 0.8)),
};

describe("secrets that peers repeat", () => {
  const { user, password: pass, token } = secrets;
  const serverInfo = `INFO {"server_id":"S","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576,"nonce":"n"}\r\n`;

  for (const [how, echo] of Object.entries(echoes)) {
    for (const [what, answer] of [
      ["in an error", (line: string) => `-ERR '${echo(line)}'\r\n`],
      ["as a line of its own", (line: string) => `${echo(line)}\r\n`],
    ] as const) {
      it(
        `a NATS server that repeats credentials, ${how}, ${what}, shows no secret`,
        fresh(async () => {
          let line = "";
          await using server = await peer((socket) => {
            // The server sends what it received on an earlier connection before it reads this one.
            if (line !== "") socket.end(answer(line));
            else socket.write(serverInfo);
            socket.on("data", (data) => {
              const [, sent] = /^(CONNECT .*)\r\n/.exec(data.toString()) ?? [];
              if (sent === undefined) return;
              line = sent;
              socket.end(answer(line));
            });
          });
          const options = {
            servers: server.address,
            dialer: observedDialer(),
            trace: clientTrace(),
            timeout: 10_000,
            waitOnFirstConnect: false,
          };
          for (const credentials of [
            { user, pass },
            { token },
            { authenticator: nkeyAuthenticator(new TextEncoder().encode(secrets.seed)) },
            { authenticator: () => ({ jwt: token, nkey: "U", sig: pass }) as never },
          ]) {
            line = "";
            assert.ok((await hearing(() => connect({ ...options, ...credentials }))) instanceof Error);
            assert.notEqual(line, "");
          }
          await assertSilent(["thrown", "withLog", "span"]);
        }),
      );
    }

    it(
      `an HTTP proxy or server that repeats credentials, ${how}, shows no secret`,
      fresh(async () => {
        for (const prefix of ["HTTP/1.1 403 ", "HTTP/1.1 200 OK\r\n\r\n-ERR '", "HTTP/1.1 200 OK\r\n\r\n", ""]) {
          await using server = await peer((socket) => {
            socket.once("data", (data) => socket.end(`${prefix}${echo(headerOf(data.toString()))}\r\n\r\n`));
          });
          const proxy = `http://Qx1user:${encode(pass)}@${server.address}`;
          const dial = compose(withLog({ info: hearLine, warn: hearLine }), withTrace(dialTrace), httpProxy({ proxy }));
          await hearing(() => connect({ servers: "db.test:4222", dialer: dial, timeout: 10_000 }));
          await hearing(async () => {
            const handshake: Handshake<Socket> = async (conn, { describe }) => {
              let words = "";
              for await (const chunk of conn) words += chunk;
              describe({ name: "own", attributes: { "own.words": words } });
              throw new Error(`the server says ${words}`);
            };
            await dial("db.test:5432", { handshake });
          });
        }
        await assertSilent(["thrown", "withLog"]);
      }),
    );
  }

  it(
    "a SOCKS proxy that repeats credentials in its answers shows no secret",
    fresh(async () => {
      const [username, password] = ["Qx1user", "Qx2aa-Qx2bb"];
      for (const start of ["", "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x01-ERR '"]) {
        await using server = await peer((socket) => {
          let credentials = "";
          let step = 0;
          socket.on("data", (data) => {
            step += 1;
            if (step === 1) socket.write("\x05\x02", "latin1");
            if (step === 2) credentials = data.toString("latin1");
            if (step === 2) socket.write("\x01\x00", "latin1");
            if (step === 3) socket.end(`${start}${credentials}'\r\n`, "latin1");
          });
        });
        const dial = compose(
          withLog({ info: hearLine, warn: hearLine }),
          withTrace(dialTrace),
          socksProxy({ proxy: `socks5h://${server.address}`, auth: { username, password } }),
        );
        await hearing(() => connect({ servers: "db.test:4222", dialer: dial, timeout: 10_000 }));
      }
      await assertSilent(["thrown", "withLog"]);
    }),
  );
});

const hearLine = (line: string) => hear("withLog", line);

/** The value of the header that authenticates. */
function headerOf(request: string): string {
  return /^Proxy-Authorization: .*$/im.exec(request)?.[0] ?? request;
}

describe("secrets in connect()", () => {
  const common = (): ConnectOptions => ({
    dialer: observedDialer(),
    trace: clientTrace(),
    timeout: 10_000,
    maxReconnectAttempts: 0,
  });
  const connecting = (options: ConnectOptions) =>
    hearing(async () => {
      const nc = await connect({ ...common(), ...options });
      await nc.flush();
      await nc.close();
    });

  it(
    "connect shows no username or password, right or wrong, in the URL or as options",
    fresh(async () => {
      // The server's configuration has different quoting rules; this test is about URLs.
      const { user, password: pass, otherPassword } = secrets;
      await using server = await startNats(["--user", user, "--pass", pass]);
      assert.equal(await connecting({ servers: `nats://${userinfo}@${server.address}` }), undefined);
      assert.equal(await connecting({ servers: [server.address], user, pass }), undefined);
      for (const options of [
        { servers: `nats://${encode(user)}:${encode(otherPassword)}@${server.address}` },
        { servers: `nats://${encode(secrets.token)}@${server.address}` },
        { servers: server.address, user, pass: otherPassword },
        { servers: server.address, token: secrets.token },
        { servers: server.address, authenticator: nkeyAuthenticator(new TextEncoder().encode(secrets.seed)) },
        { servers: server.address },
      ]) {
        assert.ok((await connecting(options)) instanceof Error);
      }
      await assertSilent(["thrown", "withLog", "span", "metrics", "ClientTrace stateChange", "ClientTrace disconnect"]);
    }),
  );

  it(
    "connect shows no token, right or wrong, in the URL or as an option",
    fresh(async () => {
      const { token } = secrets;
      await using server = await startNats(["--auth", token]);
      assert.equal(await connecting({ servers: `nats://${encode(token)}@${server.address}` }), undefined);
      assert.equal(await connecting({ servers: server.address, token }), undefined);
      assert.ok((await connecting({ servers: server.address, token: secrets.otherPassword })) instanceof Error);
      assert.ok((await connecting({ servers: `nats://${userinfo}@${server.address}` })) instanceof Error);
      await assertSilent(["thrown", "span", "ClientTrace stateChange"]);
    }),
  );

  it(
    "connect shows no secret when its server is lost and another refuses it",
    fresh(async () => {
      const { user, password: pass } = secrets;
      await using server = await startNats(["--user", user, "--pass", pass]);
      const nc = await connect({
        ...common(),
        servers: `nats://${userinfo}@${server.address}`,
        maxReconnectAttempts: 2,
        reconnectTimeWait: 10,
      });
      await server.stop();
      const error = await nc.closed();
      hearError("closed()", error);
      await assertSilent(["ClientTrace disconnect", "ClientTrace reconnectAttempt"]);
    }),
  );

  it(
    "connect shows no secret when it fails, is aborted or times out",
    fresh(async () => {
      await using server = await silentPeer();
      const servers = `nats://${userinfo}@${server.address}`;
      await connecting({ servers, dialer: observedDialer(100) });
      await connecting({ servers, timeout: 100 });
      await connecting({ servers, connectDeadlineMs: 30 });
      await connecting({ servers, signal: AbortSignal.timeout(30) });
      await connecting({ servers: `nats://${userinfo}@127.0.0.1:${await freePort()}` });
      await connecting({ servers: [`nats://${userinfo}@nowhere.invalid`, `127.0.0.1:${await freePort()}`] });
      await assertSilent(["thrown", "withLog", "span"]);
    }),
  );

  it(
    "connect shows no secret when the server speaks another protocol or closes",
    fresh(async () => {
      const says = (text: string): Promise<Peer> => peer((socket) => void socket.end(text));
      for (const text of ["HTTP/1.1 400\r\n", "-ERR 'Authorization Violation'\r\n", "INFO {\r\n", ""]) {
        await using server = await says(text);
        await connecting({ servers: `nats://${userinfo}@${server.address}` });
      }
      await assertSilent(["thrown", "span"]);
    }),
  );

  it(
    "connect shows no private key, valid or broken, with a server without TLS",
    fresh(async () => {
      await using server = await startNats();
      for (const key of [secrets.privateKey, secrets.brokenKey]) {
        assert.ok((await connecting({ servers: server.address, tls: { key, cert: key } })) instanceof Error);
        assert.ok(
          (await connecting({ servers: `tls://${userinfo}@${server.address}`, tls: { key } })) instanceof Error,
        );
        assert.ok(
          (await connecting({ servers: server.address, tls: { handshakeFirst: true, key, cert: key } })) instanceof
            Error,
        );
      }
      await assertSilent(["thrown", "span"]);
    }),
  );

  it(
    "connect shows no secret of invalid servers or options",
    fresh(async () => {
      for (const servers of [
        ...malformed("nats", userinfo),
        ...malformed("tls", userinfo),
        `ws://${userinfo}@h`,
        `unix:/${rawUserinfo}@h`,
      ]) {
        assert.ok((await connecting({ servers: [servers] })) instanceof Error, servers);
      }
      const pass = secrets.password;
      await connecting({ servers: "a", port: 1, pass });
      await connecting({ servers: "127.0.0.1:1", pass, signal: { token: secrets.token } as never });
      await connecting({ servers: "127.0.0.1:1", token: { secret: secrets.token } as never });
      await assertSilent(["thrown"]);
    }),
  );

  it(
    "connect shows no password that contains a comma in a string of servers",
    fresh(async () => {
      await connecting({ servers: `nats://user:Qx2aa,Qx2bb@127.0.0.1:${await freePort()}` });
      await connecting({ servers: `nats://Qx1user,Qx1host:Qx2aa@127.0.0.1:${await freePort()}` });
      await assertSilent(["thrown"]);
    }),
  );

  it(
    "connect shows no secret in process warnings",
    fresh(async () => {
      const broken = { connectStart: () => assert.fail("a user's hook") };
      await using server = await startNats(["--user", secrets.user, "--pass", secrets.password]);
      const dialer = compose(withTrace(broken), observedDialer());
      await connecting({ servers: `nats://${userinfo}@${server.address}`, dialer });
      await until(() => heard.some(({ place }) => place === "warning"), "the warning");
      await assertSilent(["warning"]);
    }),
  );
});
