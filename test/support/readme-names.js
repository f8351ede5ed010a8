/**
 * Preloaded when the snippets of the READMEs run: maps their host names to servers on loopback. JavaScript, so that the
 * snippets start without a loader.
 */
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const ports = JSON.parse(process.env.README_NAMES ?? "{}");
const names = Object.keys(ports);

/** 127.0.0.2 for the first name, and so on: the address identifies the name and its real port. */
const addressOf = (name) => `127.0.0.${names.indexOf(name) + 2}`;

const lookup = dns.lookup;
dns.lookup = (hostname, options, callback) => {
  if (!names.includes(hostname)) return lookup(hostname, options, callback);
  queueMicrotask(() => callback(null, [{ address: addressOf(hostname), family: 4 }]));
};

const connect = net.connect;
net.connect = (options) => {
  const name = names.find((each) => addressOf(each) === options.host);
  return connect(name === undefined ? options : { ...options, host: "127.0.0.1", port: ports[name] ?? 0 });
};

/** Stock transport-node dials with port and host as separate arguments. */
net.createConnection = (port, host, onConnect) => net.connect({ port, host }).once("connect", onConnect);

syncBuiltinESMExports();
