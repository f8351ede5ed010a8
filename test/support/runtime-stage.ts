import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import type { Greeting, PeerName, PeerReport, Stage } from "../consumers/runtimes/stage.ts";
import { authority, inDays } from "./certificates.ts";
import { blackHole } from "./full-backlog.ts";
import { type NatsServer, startNats } from "./nats-server.ts";
import { startNatsWebsocket } from "./nats-websocket.ts";
import { freePort, type Peer, peer } from "./peers.ts";
import { startMicrosocks, startTinyproxy } from "./servers.ts";
import { temporaryFile, temporaryFolder } from "./temporary.ts";
import { tlsPeer } from "./tls-peers.ts";

/** The servers that the checks of one runtime dial, in this process and as its children. */
export interface RunningStage extends AsyncDisposable {
  readonly stage: Stage;
}

/** Starts the servers. */
export async function startStage(): Promise<RunningStage> {
  const started: AsyncDisposable[] = [];
  const use = <T extends AsyncDisposable>(server: T): T => {
    started.push(server);
    return server;
  };
  const dispose = async () => {
    for (const server of started.reverse()) await server[Symbol.asyncDispose]();
  };
  try {
    return { stage: await startAll(use), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

type Use = <T extends AsyncDisposable>(server: T) => T;

async function startAll(use: Use): Promise<Stage> {
  const peers = await startPeers(use);
  const tls = await startTls(use);
  const plain = use(await startNats());
  const files = `cert_file: "${temporaryFile("cert.pem", tls.server.cert)}", key_file: "${temporaryFile("key.pem", tls.server.key)}"`;
  return {
    peers: {
      ...(Object.fromEntries(Object.entries(peers).map(([name, { address }]) => [name, address])) as Stage["peers"]),
      refused: `127.0.0.1:${await freePort()}`,
    },
    hole: `127.0.0.1:${use(await blackHole()).port}`,
    unixPath: await startUnix(use),
    tls: tls.ports,
    ca: tls.ca,
    client: tls.client,
    otherKey: tls.server.key,
    httpProxy: use(await startTinyproxy()).address,
    socksProxy: use(await startMicrosocks()).address,
    nats: {
      plain: plain.address,
      auth: use(await startNats(["--user", "u", "--pass", "p"])).address,
      tls: use(await startNats([], `tls { ${files} }`)).address,
      mutual: use(await startNats([], `tls { ${files}, ca_file: "${temporaryFile("ca.pem", tls.ca)}", verify: true }`))
        .address,
      websocket: `ws://127.0.0.1:${use(await startNatsWebsocket()).wsPort}`,
    },
    control: await startControl(use, peers, plain),
  };
}

interface CountingPeer extends Peer {
  report(): PeerReport;
}

async function startPeers(use: Use): Promise<Readonly<Record<PeerName, CountingPeer>>> {
  let turn = 0;
  const counting = async (serve: (socket: Socket) => unknown): Promise<CountingPeer> => {
    const sockets: Socket[] = [];
    const counted = use(
      await peer((socket) => {
        sockets.push(socket);
        serve(socket);
      }),
    );
    const sum = (counter: "bytesRead" | "bytesWritten") => sockets.reduce((all, socket) => all + socket[counter], 0);
    // Not a copy: the counter is a getter.
    return Object.assign(counted, {
      report: () => ({
        accepted: counted.accepted,
        open: counted.open.size,
        bytesRead: sum("bytesRead"),
        bytesWritten: sum("bytesWritten"),
      }),
    });
  };
  return {
    echo: await counting((socket) => socket.pipe(socket)),
    good: await counting((socket) => socket.resume()),
    // It reads: a peer that does not would not see that the client is gone.
    silent: await counting((socket) => socket.resume()),
    resetting: await counting((socket) => socket.once("data", () => socket.resetAndDestroy())),
    closing: await counting((socket) => socket.resume().end("go away\n")),
    flaky: await counting((socket) => {
      turn += 1;
      const serves = turn % 3 === 0;
      socket.once("data", () => (serves ? socket.resume().write("welcome\n") : socket.resetAndDestroy()));
    }),
  };
}

async function startUnix(use: Use): Promise<string> {
  const path = join(temporaryFolder(), "echo");
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    socket.pipe(socket);
  });
  server.listen(path);
  await once(server, "listening");
  const dispose = async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, "close");
  };
  use({ [Symbol.asyncDispose]: dispose });
  return path;
}

async function startTls(use: Use) {
  const ca = authority();
  const server = ca.issue({ name: "db.test", alternatives: ["DNS:db.test", "IP:127.0.0.1"] });
  const mutual = { ca: ca.cert, requestCert: true, rejectUnauthorized: true };
  const start = async (options: TlsOptions): Promise<number> => {
    const greeted = await tlsPeer({ ALPNProtocols: ["http/1.1"], ...options }, (socket) => {
      const { servername, alpnProtocol } = socket as typeof socket & { servername?: string | false };
      const greeting: Greeting = {
        servername: servername ?? false,
        alpn: alpnProtocol ?? false,
        resumed: socket.isSessionReused(),
        clientCertificate: socket.authorized,
      };
      socket.write(`${JSON.stringify(greeting)}\n`);
    });
    return use(greeted).port;
  };
  return {
    ca: ca.cert,
    server,
    client: ca.issue({ name: "client.test", usage: "clientAuth" }),
    ports: {
      good: await start(server),
      old: await start({ ...server, maxVersion: "TLSv1.2" }),
      expired: await start(ca.issue({ name: "db.test", from: inDays(-3), until: inDays(-1) })),
      stranger: await start(authority("another CA").issue({ name: "db.test" })),
      mutual: await start({ ...server, ...mutual }),
      oldMutual: await start({ ...server, ...mutual, maxVersion: "TLSv1.2" }),
    },
  };
}

/** Reports on the peers, and stops and starts a nats-server. */
async function startControl(
  use: Use,
  peers: Readonly<Record<string, CountingPeer>>,
  nats: NatsServer,
): Promise<string> {
  const answer = async (path: string): Promise<unknown> => {
    if (path === "stop") return nats.stop();
    if (path === "start") return nats.start();
    if (path === "close") {
      for (const { open } of Object.values(peers)) for (const socket of open) socket.destroy();
      return undefined;
    }
    return peers[path]?.report();
  };
  const server: HttpServer = createHttpServer((request, response) => {
    answer((request.url ?? "/").slice(1)).then(
      (body) => response.setHeader("connection", "close").end(JSON.stringify(body ?? null)),
      (error: unknown) => response.writeHead(500, { connection: "close" }).end(String(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dispose = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  use({ [Symbol.asyncDispose]: dispose });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
