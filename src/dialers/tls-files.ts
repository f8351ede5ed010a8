import { readFile, stat } from "node:fs/promises";
import type { SecureContext, SecureContextOptions } from "node:tls";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import { isError } from "../support/is-error.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { messageOf } from "../support/message.ts";
import { invalid } from "../support/validate.ts";
import { warnOnce } from "../support/warn.ts";
import { checkKeyPair } from "./key-pair.ts";
import { checkPem, PemError, type PemKind } from "./pem.ts";
import { SessionCache } from "./tls-sessions.ts";

/** Paths of the files for the `ca`, `cert` and `key` of `tls.createSecureContext`. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The secure context of handshakes, with its sessions. */
export interface Credentials {
  readonly context: SecureContext;
  /** Sessions of this context. They are dropped with it: a resumed session keeps its original client certificate. */
  readonly sessions: SessionCache;
  /** The certificate that is shown to servers, with its chain; `undefined` if there is none, or several. */
  readonly certificate: string | Buffer | undefined;
}

/** One file, with the name of its option. */
interface TlsFile {
  readonly name: keyof TlsFiles;
  readonly path: string;
}

const kinds: Readonly<Record<keyof TlsFiles, PemKind>> = { ca: "certificate", cert: "certificate", key: "private key" };

/**
 * Creates secure contexts from options and files. A context is reused until a file changes, so that rotated certificates
 * take effect without a restart. The previous context stays in use while a file cannot be read, is empty or ends inside a
 * PEM block, and while certificate and key do not match (one is written before the other). It also stays in use, with a
 * warning, when a file contains anything else.
 *
 * @param prefix - text before the option's name in errors.
 * @returns a function that returns the current context. If there was none yet, it rejects with a DialError that names
 * option and file: `local_resource` when the process has too many open files, otherwise `config`.
 * @throws TypeError when there are no files and the options cannot be used.
 */
export function credentialsOf(
  options: SecureContextOptions,
  files: TlsFiles,
  prefix = "tls: ",
): () => Promise<Credentials> {
  const named: TlsFile[] = [];
  for (const name of ["ca", "cert", "key"] as const) {
    const path = files[name];
    if (path !== undefined) named.push({ name, path });
  }
  if (named.length === 0) {
    const credentials = Promise.resolve(newCredentials(options, `${prefix}certificates, keys`));
    return () => credentials;
  }

  const subject = prefix + named.map(({ name, path }) => `${name}File ${path}`).join(", ");
  let current: { readonly version: string; readonly credentials: Credentials } | undefined;
  return async () => {
    try {
      const version = (await each(named, prefix, ({ path }) => versionOf(path))).join();
      if (current?.version !== version) {
        const contents = await each(named, prefix, readPem);
        const read = Object.fromEntries(named.map(({ name }, index) => [name, contents[index]]));
        current = { version, credentials: newCredentials({ ...options, ...read }, subject) };
      }
    } catch (error) {
      if (current === undefined) throw failure(error);
      if (isError(error) && error.cause instanceof PemError && !error.cause.unfinished) {
        warnOnce(`${error.message}; the previous content stays in use`);
      }
    }
    return current.credentials;
  };
}

function failure(error: unknown): DialError {
  const reason = classify(error) === "local_resource" ? "local_resource" : "config";
  return new DialError(messageOf(error), { reason, cause: error });
}

/**
 * Creates a secure context with an empty session cache.
 *
 * @throws TypeError that names `subject`.
 */
function newCredentials(options: SecureContextOptions, subject: string): Credentials {
  try {
    checkKeyPair(options);
    const { cert } = options;
    const certificate = Array.isArray(cert) ? undefined : cert;
    return { context: lazyModules.tls.createSecureContext(options), sessions: new SessionCache(), certificate };
  } catch (error) {
    throw invalid(TypeError, `${subject} or other options cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** Reads all files concurrently. If several fail, throws the error of the first in the list, for a stable message. */
async function each<T>(
  files: readonly TlsFile[],
  prefix: string,
  read: (file: TlsFile) => Promise<T>,
): Promise<readonly T[]> {
  const all = await Promise.allSettled(files.map(read));
  return all.map((result, index) => {
    if (result.status === "fulfilled") return result.value;
    const { name, path } = files[index] as TlsFile;
    const { reason: cause } = result;
    const why = cause instanceof PemError ? cause.message : `cannot be read: ${messageOf(cause)}`;
    throw new Error(`${prefix}${name}File ${path} ${why}`, { cause });
  });
}

async function readPem({ name, path }: TlsFile): Promise<Buffer> {
  const content = await readFile(path);
  checkPem(content, kinds[name]);
  return content;
}

/** Identifies the content of a file. Includes inode and ctime, which change when mtime is preserved or a symbolic link moves. */
async function versionOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}
