import { createSocket } from "node:dgram";
import { once } from "node:events";

/** A DNS record, as written in a test. */
export type DnsRecord =
  | { readonly type: "A"; readonly address: string; readonly ttl: number }
  | { readonly type: "AAAA"; readonly address: string; readonly ttl: number }
  | {
      readonly type: "SRV";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly name: string;
      readonly ttl: number;
    };

/** A name server on loopback with answers set by the test, over UDP. */
export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** The queries so far, as `type name`. */
  readonly questions: readonly string[];
  /** Answers by name; a missing name does not exist. */
  readonly zone: Map<string, readonly DnsRecord[]>;
  /** Whether it answers SERVFAIL to every query. */
  failing: boolean;
  /** Whether it answers no query. */
  silent: boolean;
}

const types = { A: 1, AAAA: 28, SRV: 33 } as const;

export async function dnsServer(): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const questions: string[] = [];
  const server = {
    address: "",
    questions,
    zone: new Map<string, readonly DnsRecord[]>(),
    failing: false,
    silent: false,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
  socket.on("message", (query, { address, port }) => {
    const { name, type, end } = questionIn(query);
    const asked = Object.entries(types).find(([, number]) => number === type)?.[0] ?? String(type);
    questions.push(`${asked} ${name}`);
    if (server.silent) return;
    const records = server.zone.get(name);
    const code = server.failing ? 2 : records === undefined ? 3 : 0;
    const answers = code === 0 ? (records ?? []).filter((record) => types[record.type] === type) : [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers.map(encoded)]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  server.address = `127.0.0.1:${socket.address().port}`;
  return server;
}

function questionIn(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function encoded(record: DnsRecord): Buffer {
  const data = dataOf(record);
  const head = Buffer.alloc(12);
  // The name is a pointer to the name in the question: RFC 1035, section 4.1.4.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(types[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(record: DnsRecord): Buffer {
  if (record.type === "A") return Buffer.from(record.address.split(".").map(Number));
  if (record.type === "AAAA") {
    const [left = "", right = ""] = record.address.split("::");
    const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
    const data = Buffer.alloc(16);
    for (const [index, group] of groups(left).entries()) data.writeUInt16BE(group, 2 * index);
    for (const [index, group] of groups(right).reverse().entries()) data.writeUInt16BE(group, 14 - 2 * index);
    return data;
  }
  const fields = Buffer.alloc(6);
  fields.writeUInt16BE(record.priority, 0);
  fields.writeUInt16BE(record.weight, 2);
  fields.writeUInt16BE(record.port, 4);
  const labels = record.name === "." ? [] : record.name.split(".");
  const name = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  return Buffer.concat([fields, ...name, Buffer.from([0])]);
}
