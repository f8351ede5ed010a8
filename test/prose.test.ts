import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** Words for people and phrases without a clear subject, which describe code badly. `users who` are people. */
const banned = [
  /\b(nobody|somebody|whoever|whom)\b/i,
  /(?<!\b(?:people|readers|users) )\bwho\b/i,
  /\bin vain\b/i,
  /\bfor it is\b/i,
  /\bhas it that\b/i,
  /\bof those (?:that|who)\b/i,
  /\btakes along\b/i,
  /\b(?:told|tells) of\b/i,
];

/** Title of a test that continues the title of its suite, so that it cannot be understood alone. */
const fragment = /^(?:of|lets|ends|says|calls|does|makes|leaves|writes|changes|hides|cuts|is|are|has|it)\s/;

/** The text files of the project, without generated ones and this file. */
function files(): readonly string[] {
  const folders = ["src", "test", "examples", "dashboards"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
  );
  return [...folders, ...readdirSync(".")].filter(
    (file) =>
      /\.(?:ts|js|md|yaml)$/.test(file) && !file.includes("node_modules") && !file.endsWith("test/prose.test.ts"),
  );
}

function linesOf(file: string): readonly (readonly [place: string, line: string])[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line, index) => [`${file}:${index + 1}: ${line.trim()}`, line]);
}

test("no line of code, tests or documents describes code as a person", () => {
  const all = files().flatMap(linesOf);
  assert.ok(all.length > 40_000, `only ${all.length} lines were read`);
  const wrong = all.filter(([, line]) => banned.some((words) => words.test(line))).map(([place]) => place);
  assert.deepEqual(wrong, []);
});

test("every test title is a sentence with its subject, so that it can be understood alone", () => {
  const titles = files()
    .filter((file) => file.startsWith("test/"))
    .flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/\b(?:test|it)\(\s*(["`])(.*?)\1,/g)].map(([, , title = ""]) => ({
        place: `${file}: ${title}`,
        title,
      })),
    );
  assert.ok(titles.length > 1_200, `only ${titles.length} titles were found`);
  const wrong = titles.filter(({ title }) => fragment.test(title) || !/\s|\$\{/.test(title)).map(({ place }) => place);
  assert.deepEqual(wrong, []);
});
