import { readFile, stat } from "node:fs/promises";
import type { SecureContext, SecureContextOptions } from "node:tls";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import { isError } from "../support/is-error.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { messageOf } from "../support/message.ts";
import { invalid } from "../support/validate.ts";
import { warnOnce } from "../support/warn.ts";
import { checkPem, PemError, type PemKind } from "./pem.ts";
import { SessionCache } from "./tls-sessions.ts";

/** Files that hold what `tls.createSecureContext` takes as `ca`, `cert` and `key`. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** What handshakes are made with. */
export interface Credentials {
  readonly context: SecureContext;
  /** Sessions made with them: one resumed speaks for the client certificate that it began with. */
  readonly sessions: SessionCache;
}

/** One of the files. */
interface TlsFile {
  readonly name: keyof TlsFiles;
  readonly path: string;
}

const kinds: Readonly<Record<keyof TlsFiles, PemKind>> = { ca: "certificate", cert: "certificate", key: "private key" };

/**
 * Makes secure contexts of options and files. One serves every dial until a file changes: then it is
 * made anew, so that rotated certificates work without a restart. While the files can't be read, one is
 * empty or ends inside a PEM block, or certificate and key don't fit together (one is written before the
 * other), the last that did are used; so they are when a file holds something else, with a warning.
 *
 * @param prefix - what an error puts before the name of a file's option.
 * @returns what rejects with a DialError `config`, naming option and file, while no files have served yet;
 * `local_resource` when this process may open no more files.
 * @throws TypeError when there are no files and the options can't be used.
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
        warnOnce(`${error.message}; what it held before is used`);
      }
    }
    return current.credentials;
  };
}

function failure(error: unknown): DialError {
  const reason = classify(error) === "local_resource" ? "local_resource" : "config";
  return new DialError(messageOf(error), { reason, cause: error });
}

/** Makes them, or says that `subject` can't be used. */
function newCredentials(options: SecureContextOptions, subject: string): Credentials {
  try {
    return { context: lazyModules.tls.createSecureContext(options), sessions: new SessionCache() };
  } catch (error) {
    throw invalid(TypeError, `${subject} or other options can't be used: ${messageOf(error)}`, { cause: error });
  }
}

/** Reads all at once; of several that fail, the first as they are listed is told, not the first to fail. */
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
    const problem = cause instanceof PemError ? cause.message : `can't be read: ${messageOf(cause)}`;
    throw new Error(`${prefix}${name}File ${path} ${problem}`, { cause });
  });
}

async function readPem({ name, path }: TlsFile): Promise<Buffer> {
  const content = await readFile(path);
  checkPem(content, kinds[name]);
  return content;
}

/** Changes with the file, also when the writer keeps its time of modification, and with what a symbolic link leads to. */
async function versionOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}
