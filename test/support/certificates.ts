import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./temporary.ts";

/** A certificate and its key, in PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Subject {
  /** Common name. */
  readonly name: string;
  /** Such as `DNS:db.test` or `IP:127.0.0.1`. @defaultValue the name, as DNS */
  readonly alternatives?: readonly string[];
  /** @defaultValue a day ago */
  readonly from?: Date;
  /** @defaultValue in a month */
  readonly until?: Date;
  readonly usage?: "serverAuth" | "clientAuth";
}

/** A certificate authority created with the openssl command. */
export interface Authority {
  /** Its certificate in PEM format. */
  readonly cert: string;
  issue(subject: Subject): Issued;
}

const day = 24 * 60 * 60_000;

/** The time `days` days from now, rounded to seconds like the times in certificates. */
export function inDays(days: number): Date {
  return new Date(Math.floor((Date.now() + days * day) / 1000) * 1000);
}

const config = `
[ca]
default_ca = test
[test]
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`;

/** Creates a certificate authority with the name `name`. */
export function authority(name = "dialtrace test CA"): Authority {
  const folder = temporaryFolder();
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

  writeFileSync(join(folder, "ca.cnf"), config);
  writeFileSync(join(folder, "index.txt"), "");
  openssl("req", "-x509", ...newKey, "-subj", `/CN=${name}`, "-days", "2", "-keyout", "ca.key", "-out", "ca.pem");
  return {
    cert: read("ca.pem"),
    issue({ name, alternatives = [`DNS:${name}`], from = inDays(-1), until = inDays(30), usage = "serverAuth" }) {
      const extensions = ["-addext", `subjectAltName=${alternatives}`, "-addext", `extendedKeyUsage=${usage}`];
      openssl("req", "-new", ...newKey, "-subj", `/CN=${name}`, ...extensions, "-keyout", "key.pem", "-out", "req.pem");
      const validity = ["-startdate", opensslDate(from), "-enddate", opensslDate(until)];
      const signing = ["-cert", "ca.pem", "-keyfile", "ca.key", "-notext", "-batch", "-outdir", "."];
      openssl("ca", "-config", "ca.cnf", ...signing, ...validity, "-in", "req.pem", "-out", "cert.pem");
      return { cert: read("cert.pem"), key: read("key.pem") };
    },
  };
}

/** YYYYMMDDHHMMSSZ */
function opensslDate(date: Date): string {
  return date.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
}
