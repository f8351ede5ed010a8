import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folder.ts";
import { isMissing } from "./needs.ts";

/** Paths of a certificate and its key, as PEM files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority that is valid for two days, made with the openssl command. */
export interface Authority {
  /** Path of its certificate, for the `ca` of its peers. */
  readonly caFile: string;
  /** Issues a certificate for `name`, for servers and clients. */
  issue(name: string): CertificateFiles;
}

/** Creates a certificate authority called `name`. */
export function newAuthority(name: string): Authority {
  const folder = temporaryFolder();
  const inFolder = (file: string) => join(folder, file);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

  const out = ["-keyout", "ca.key", "-out", "ca.pem"];
  openssl(folder, "req", "-x509", ...newKey, "-subj", `/CN=${name}`, "-days", "2", ...out);
  return {
    caFile: inFolder("ca.pem"),
    issue(name) {
      const [certFile, keyFile] = [`${name}.pem`, `${name}.key`];
      writeFileSync(inFolder("extensions"), `subjectAltName=DNS:${name}\n`);
      openssl(folder, "req", "-new", ...newKey, "-subj", `/CN=${name}`, "-keyout", keyFile, "-out", "request.pem");
      const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions"];
      openssl(folder, "x509", "-req", "-in", "request.pem", ...signing, "-out", certFile);
      return { certFile: inFolder(certFile), keyFile: inFolder(keyFile) };
    },
  };
}

function openssl(folder: string, ...args: readonly string[]): void {
  try {
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const { code, signal } = error as { code?: string; signal?: string | null };
    if (code === "ENOENT") isMissing("openssl on the PATH, to create certificates");
    if (signal === "SIGINT") process.exit(130); // A Ctrl-C in the terminal reaches the child too.
    throw error;
  }
}
