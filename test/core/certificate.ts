import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { removeFolder, temporaryFolder } from "../support/temporary.ts";

/** A key and its self-made certificate, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate for `name`, signed by itself, by the openssl command. */
export function selfSigned(name: string): Certificate {
  const folder = temporaryFolder();
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const identity = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-days", "1"];
  try {
    execFileSync("openssl", ["req", "-x509", ...curve, ...identity, "-keyout", keyFile, "-out", certFile], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    return { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8") };
  } finally {
    removeFolder(folder);
  }
}
