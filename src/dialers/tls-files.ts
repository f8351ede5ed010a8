import { readFile, stat } from "node:fs/promises";
import type { SecureContext, SecureContextOptions } from "node:tls";
import { DialError, messageOf } from "../core/errors.ts";
import { lazyModules } from "../core/lazy-modules.ts";
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

/**
 * Makes secure contexts of options and files. One serves every dial until a file changes: then it is
 * made anew, so that rotated certificates work without a restart. While the files can't be read, or
 * certificate and key don't fit together (one is written before the other), the last that did are used.
 *
 * @returns what rejects with a DialError `config`, naming the option, while no files have served yet.
 * @throws TypeError when there are no files and the options can't be used.
 */
export function credentialsOf(options: SecureContextOptions, files: TlsFiles): () => Promise<Credentials> {
  const paths = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (paths.length === 0) {
    const credentials = Promise.resolve(newCredentials(options));
    return () => credentials;
  }

  let current: { readonly version: string; readonly credentials: Credentials } | undefined;
  return async () => {
    try {
      const version = (await each(paths, versionOf)).join();
      if (current?.version !== version) {
        const contents = await each(paths, async (path) => readFile(path));
        const read = Object.fromEntries(paths.map(([name], index) => [name, contents[index]]));
        current = { version, credentials: newCredentials({ ...options, ...read }) };
      }
    } catch (error) {
      if (current === undefined) throw new DialError(messageOf(error), { reason: "config", cause: error });
    }
    return current.credentials;
  };
}

function newCredentials(options: SecureContextOptions): Credentials {
  try {
    return { context: lazyModules.tls.createSecureContext(options), sessions: new SessionCache() };
  } catch (error) {
    throw new TypeError(`tls: certificates, keys or other options can't be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Reads all at once; of several that fail, the first as they are listed is told, not the first to fail. */
async function each<T>(
  paths: readonly (readonly [string, string])[],
  read: (path: string) => Promise<T>,
): Promise<readonly T[]> {
  const all = await Promise.allSettled(paths.map(([, path]) => read(path)));
  return all.map((result, index) => {
    if (result.status === "fulfilled") return result.value;
    throw new Error(`tls: ${paths[index]?.[0]}File can't be read: ${messageOf(result.reason)}`, {
      cause: result.reason,
    });
  });
}

async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path);
  return `${ino}:${size}:${mtimeMs}`;
}
