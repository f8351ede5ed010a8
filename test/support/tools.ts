import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of `command`, if it is on the PATH. */
export function findCommand(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

/**
 * Ensures that `command` exists: installs it as root on Debian and Ubuntu; otherwise names the package and exits.
 */
export function needDebianPackage(command: string, debianPackage: string): void {
  if (findCommand(command)) return;
  if (process.getuid?.() === 0 && findCommand("apt-get")) {
    console.log(`installing ${debianPackage}, which the tests need`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const args of [["update"], ["install", "--yes", "--no-install-recommends", debianPackage]]) {
      spawnSync("apt-get", ["--quiet=2", ...args], { stdio: ["ignore", "ignore", "inherit"], env });
    }
    if (findCommand(command)) return;
  }
  console.error(`The tests need ${command} on the PATH: install the package ${debianPackage}.`);
  process.exit(1);
}

/**
 * Installs the packages of a test's folder if this Node is at least `minimum`; otherwise prints that its tests are
 * skipped.
 */
export function needFixture(folder: string, minimum: readonly [number, number], what: string): void {
  if (!isNodeAtLeast(minimum)) {
    console.log(`${what} needs Node ${minimum.join(".")}; this is ${process.version}: its tests are skipped here`);
    return;
  }
  if (existsSync(join(folder, "node_modules"))) return;
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

/** Whether this Node's version is `minimum`, as major and minor, or newer. */
export function isNodeAtLeast([major, minor]: readonly [number, number]): boolean {
  const [ours = 0, oursMinor = 0] = process.versions.node.split(".").map(Number);
  return ours > major || (ours === major && oursMinor >= minor);
}
