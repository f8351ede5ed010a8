/** What the entry `dialtrace/clients` costs a program that imports it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { rolldown } from "rolldown";

/** Bundles `names` of the entry without the core, minified. */
async function bundled(
  names: readonly string[],
): Promise<{ readonly size: number; readonly modules: readonly string[] }> {
  const program = `export { ${names.join(", ")} } from "./clients.ts";`;
  const build = await rolldown({
    input: "\0program",
    platform: "node",
    // The files of other rooms.
    external: /^\.\.\//,
    plugins: [
      {
        name: "program",
        resolveId(id) {
          if (id === "\0program") return id;
          return id === "./clients.ts" ? resolve("src/clients.ts") : null;
        },
        load: (id) => (id === "\0program" ? program : null),
      },
    ],
  });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  const [chunk] = output;
  const modules = Object.entries(chunk.modules).filter(([, { code }]) => code !== null && code !== "");
  return { size: Buffer.byteLength(chunk.code), modules: modules.map(([id]) => id.replace(/^.*src\/clients\//, "")) };
}

const adapters = Object.keys(await import("../../src/clients.ts"));

test("dialtrace/clients is at most 12 kB minified, without the core", async (t) => {
  const { size, modules } = await bundled(adapters);
  assert.ok(modules.includes("client-dials.ts"));
  t.diagnostic(`${size} bytes for ${adapters.length} adapters`);
  assert.ok(size <= 12_000, `${size} bytes`);
});

for (const name of adapters) {
  test(`a program that imports only ${name} bundles no other adapter`, async () => {
    const file = `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;
    const others = adapters
      .filter((each) => each !== name)
      .map((each) => `${each.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`);
    const { modules } = await bundled([name]);
    assert.ok(modules.includes(file), `${modules}`);
    assert.deepEqual(
      modules.filter((each) => others.includes(each)),
      [],
    );
  });
}

test("importing dialtrace/clients loads no package", () => {
  const program = `import("./src/clients.ts").then(() => console.log(JSON.stringify(Object.keys(process.getBuiltinModule("module")._cache))))`;
  const loader = ["--import", "tsx", "--input-type=module"];
  const list = execFileSync(process.execPath, [...loader, "-e", program], { encoding: "utf8" });
  const loaded: string[] = JSON.parse(list);
  assert.deepEqual(
    loaded.filter((file) => /node_modules\/(?!tsx|esbuild|get-tsconfig|resolve-pkg-maps)/.test(file)),
    [],
  );
});
