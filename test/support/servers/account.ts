import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** A system account that a server runs as when the tests run as root. */
interface Account {
  /** The command and arguments that run `command` as the account. */
  run(command: string, args: readonly string[]): [string, string[]];
  /** Gives a folder and everything in it to the account, readable by it only. */
  own(path: string): void;
}

/** Servers that refuse to run as root run as `name`; otherwise as the account of the tests. */
export function account(name: string): Account {
  if (process.getuid?.() !== 0) return { run: (command, args) => [command, [...args]], own: privately };
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, name])));
  return {
    run: (command, args) => ["setpriv", [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", command, ...args]],
    own(path) {
      privately(path);
      eachIn(path, (each) => chownSync(each, uid ?? 0, gid ?? 0));
    },
  };
}

function privately(path: string): void {
  eachIn(path, (each) => chmodSync(each, statSync(each).isDirectory() ? 0o700 : 0o600));
}

function eachIn(path: string, apply: (path: string) => void): void {
  apply(path);
  if (!statSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) eachIn(join(path, name), apply);
}
