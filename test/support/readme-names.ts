/** Preloaded when the snippets of the READMEs run: maps their host names to servers on loopback. */
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const ports: Record<string, number> = JSON.parse(process.env.README_NAMES ?? "{}");
const names = Object.keys(ports);

/** 127.0.0.2 for the first name, and so on: the address identifies the name and its real port. */
const addressOf = (name: string) => `127.0.0.${names.indexOf(name) + 2}`;

const lookup = dns.lookup;
dns.lookup = ((hostname: string, options: dns.LookupAllOptions, callback: (...args: unknown[]) => void) => {
  if (!names.includes(hostname)) return lookup(hostname, options, callback as never);
  queueMicrotask(() => callback(null, [{ address: addressOf(hostname), family: 4 }]));
}) as typeof dns.lookup;

const connect = net.connect;
net.connect = ((options: net.TcpNetConnectOpts) => {
  const name = names.find((each) => addressOf(each) === options.host);
  return connect(name === undefined ? options : { ...options, host: "127.0.0.1", port: ports[name] ?? 0 });
}) as typeof net.connect;

/** Stock transport-node dials with port and host as separate arguments. */
net.createConnection = ((port: number, host: string, onConnect: () => void) =>
  net.connect({ port, host }).once("connect", onConnect)) as typeof net.createConnection;

syncBuiltinESMExports();
