// @ts-check
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { noop } from "./loop.js";

/**
 * Accepts TLS connections in this process, with a new certificate.
 * @param {(socket: import("node:tls").TLSSocket) => void} [serve] - discards what it receives unless given.
 */
export async function acceptTls(serve = (socket) => socket.resume()) {
  const folder = mkdtempSync(join(tmpdir(), "dialtrace-"));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:bench.test", "-days", "2"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync("openssl", ["req", "-x509", ...curve, ...subject, "-keyout", keyFile, "-out", certFile], {
    stdio: "ignore",
  });
  const [key, cert] = [readFileSync(keyFile, "utf8"), readFileSync(certFile, "utf8")];
  rmSync(folder, { recursive: true });

  const server = createServer({ key, cert }, (socket) => {
    socket.on("error", noop);
    serve(socket);
  });
  server.on("tlsClientError", noop);
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  return { port: /** @type {import("node:net").AddressInfo} */ (server.address()).port, ca: cert };
}
