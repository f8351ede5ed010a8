import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { listenOnLoopback } from "./listen.ts";
import type { NatsServer } from "./nats-server.ts";

/**
 * A minimal NATS server: publish, subscribe, queue groups, wildcards, headers, requests. No accounts, TLS, clusters or
 * JetStream. Only for the demo, on machines without a nats-server.
 *
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export function smallNatsServer(port: number): NatsServer {
  const clients = new Set<Client>();
  let server: Server | undefined;

  async function stop() {
    const stopping = server;
    server = undefined;
    for (const client of clients) client.socket.destroy();
    if (stopping === undefined) return;
    stopping.close();
    await once(stopping, "close");
  }

  return {
    name: "the demo's own small NATS server",
    address: `127.0.0.1:${port}`,
    async start() {
      server = createServer((socket) => serve(socket, clients, port));
      await listenOnLoopback(server, port);
      return `the demo's own small NATS server is up on 127.0.0.1:${port}`;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const maxPayload = 1024 * 1024;
const maxControlLine = 4096;
const lineEnd = "\r\n";

interface Subscription {
  readonly client: Client;
  readonly sid: string;
  readonly subject: readonly string[];
  readonly queue: string | undefined;
  delivered: number;
  /** Number of messages after which the subscription ends. */
  max: number;
}

interface Client {
  readonly socket: Socket;
  readonly subscriptions: Map<string, Subscription>;
  /** The options of its CONNECT. */
  options: { verbose?: boolean; echo?: boolean; no_responders?: boolean };
}

interface Message {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly headers: Buffer | undefined;
  readonly payload: Buffer;
}

/** A mistake of the client. The server sends the message and closes the connection. */
class ProtocolError extends Error {}

let lastClientId = 0;

function serve(socket: Socket, clients: Set<Client>, port: number): void {
  const client: Client = { socket, subscriptions: new Map(), options: {} };
  clients.add(client);
  socket.setNoDelay(true);
  socket.on("close", () => clients.delete(client));
  socket.on("error", () => {});
  lastClientId += 1;
  const info = {
    server_id: "SMALL",
    server_name: "small",
    version: "0.1.0",
    proto: 1,
    headers: true,
    host: "127.0.0.1",
    port,
    max_payload: maxPayload,
    client_id: lastClientId,
  };
  socket.write(`INFO ${JSON.stringify(info)}${lineEnd}`);

  let unread: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    try {
      unread = unread.subarray(readCommands(unread, client, clients));
    } catch (error) {
      const words = error instanceof ProtocolError ? error.message : "Unknown Protocol Operation";
      socket.removeAllListeners("data").resume();
      socket.end(`-ERR '${words}'${lineEnd}`);
    }
  });
}

/** Executes the complete commands at the start of `bytes` and returns how many bytes they have. */
function readCommands(bytes: Buffer, client: Client, clients: ReadonlySet<Client>): number {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(lineEnd, start);
    if ((end < 0 ? bytes.length : end) - start > maxControlLine)
      throw new ProtocolError("Maximum Control Line Exceeded");
    if (end < 0) return start;
    const line = bytes.toString("utf8", start, end);
    const [verb = "", ...args] = line.trim().split(/\s+/);
    const command = verb.toUpperCase();
    let next = end + lineEnd.length;
    if (command === "PUB" || command === "HPUB") {
      const read = readMessage(bytes, next, args, command === "HPUB");
      if (read === undefined) return start;
      publish(client, clients, read.message);
      next = read.end;
    } else if (command === "SUB") subscribe(client, args);
    else if (command === "UNSUB") unsubscribe(client, args);
    else if (command === "CONNECT") client.options = JSON.parse(line.slice(line.indexOf("{")));
    else if (command === "PING") client.socket.write(`PONG${lineEnd}`);
    else if (command !== "PONG") throw new ProtocolError("Unknown Protocol Operation");
    if (client.options.verbose && command !== "PING" && command !== "PONG") client.socket.write(`+OK${lineEnd}`);
    start = next;
  }
}

/** Reads the payload of a PUB or HPUB at `start`, or returns `undefined` if it is incomplete. */
function readMessage(bytes: Buffer, start: number, args: readonly string[], hasHeaders: boolean) {
  const size = sizeOf(args.at(-1));
  const end = start + size;
  if (bytes.length < end + lineEnd.length) return undefined;
  const headerSize = hasHeaders ? sizeOf(args.at(-2)) : 0;
  if (headerSize > size) throw new ProtocolError("Parser Error");
  const bodyStart = start + headerSize;
  const message: Message = {
    subject: args[0] ?? "",
    reply: args.length > (hasHeaders ? 3 : 2) ? args[1] : undefined,
    headers: hasHeaders ? bytes.subarray(start, bodyStart) : undefined,
    payload: bytes.subarray(bodyStart, end),
  };
  return { message, end: end + lineEnd.length };
}

function sizeOf(text: string | undefined): number {
  if (text === undefined || !/^\d{1,9}$/.test(text)) throw new ProtocolError("Parser Error");
  if (Number(text) > maxPayload) throw new ProtocolError("Maximum Payload Violation");
  return Number(text);
}

function subscribe(client: Client, args: readonly string[]): void {
  const [subject, sid] = [args[0], args.at(-1)];
  if (args.length < 2 || args.length > 3 || subject === undefined || sid === undefined) {
    throw new ProtocolError("Parser Error");
  }
  const queue = args.length === 3 ? args[1] : undefined;
  const max = Number.POSITIVE_INFINITY;
  client.subscriptions.set(sid, { client, sid, subject: subject.split("."), queue, delivered: 0, max });
}

function unsubscribe(client: Client, [sid = "", max]: readonly string[]): void {
  const subscription = client.subscriptions.get(sid);
  if (subscription === undefined) return;
  subscription.max = max === undefined ? 0 : sizeOf(max);
  if (subscription.delivered >= subscription.max) client.subscriptions.delete(sid);
}

function publish(from: Client, clients: ReadonlySet<Client>, message: Message): void {
  const subject = message.subject.split(".");
  const queues = new Map<string, Subscription[]>();
  const receivers: Subscription[] = [];
  for (const client of clients) {
    if (client === from && client.options.echo === false) continue;
    for (const subscription of client.subscriptions.values()) {
      if (!matches(subscription.subject, subject)) continue;
      const { queue } = subscription;
      if (queue === undefined) receivers.push(subscription);
      else queues.set(queue, [...(queues.get(queue) ?? []), subscription]);
    }
  }
  // Each queue group gets the message once.
  for (const members of queues.values()) {
    const chosen = members[Math.floor(Math.random() * members.length)];
    if (chosen !== undefined) receivers.push(chosen);
  }
  for (const subscription of receivers) deliver(subscription, message);

  if (receivers.length === 0 && message.reply !== undefined && from.options.no_responders) {
    sendNoResponders(from, message.reply);
  }
}

/** Tells a requester that no subscription matches its request. */
function sendNoResponders(requester: Client, reply: string): void {
  const headers = Buffer.from(`NATS/1.0 503${lineEnd}${lineEnd}`);
  for (const subscription of requester.subscriptions.values()) {
    if (!matches(subscription.subject, reply.split("."))) continue;
    deliver(subscription, { subject: reply, reply: undefined, headers, payload: Buffer.alloc(0) });
    return;
  }
}

function deliver(subscription: Subscription, { subject, reply, headers, payload }: Message): void {
  const { client, sid } = subscription;
  const total = payload.length + (headers?.length ?? 0);
  const sizes = headers === undefined ? [total] : [headers.length, total];
  const words = [
    headers === undefined ? "MSG" : "HMSG",
    subject,
    sid,
    ...(reply === undefined ? [] : [reply]),
    ...sizes,
  ];
  const parts = [`${words.join(" ")}${lineEnd}`, headers ?? "", payload, lineEnd];
  client.socket.write(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part))));
  subscription.delivered += 1;
  if (subscription.delivered >= subscription.max) client.subscriptions.delete(sid);
}

/** Whether `pattern` matches `subject`: `*` matches one token, a final `>` one or more. */
function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [index, token] of pattern.entries()) {
    if (token === ">") return subject.length > index;
    if (index >= subject.length || (token !== "*" && token !== subject[index])) return false;
  }
  return pattern.length === subject.length;
}
