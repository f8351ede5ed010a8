/**
 * Checks the doc comments: every export has one, and the fields of options and event infos have a unit and a default.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/** One declaration or member, with the text of the doc comment before it. */
interface Documented {
  /** File and line, for the message of a failure. */
  readonly at: string;
  /** Name of the declaration; for a member, with the name of its type. */
  readonly name: string;
  readonly doc: string;
  /** Index of the declaring line. */
  readonly line: string;
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && name.includes("/") && !name.includes("page/"))
  .map((name) => ({ name, lines: readFileSync(join("src", name), "utf8").split("\n") }));

const exported = files.flatMap(({ name, lines }) =>
  lines.flatMap((line, index) => {
    const declared =
      /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type) (\w+)/.exec(
        line,
      )?.[1];
    return declared === undefined || isOverload(lines, index, declared)
      ? []
      : [{ at: `src/${name}:${index + 1}`, name: declared, doc: docBefore(lines, index), line }];
  }),
);
const members = files.flatMap(({ name, lines }) =>
  lines.flatMap((line, index) => membersFrom(name, lines, line, index)),
);
const options = members.filter(({ name }) => /Options\./.test(name));

const list = (wrong: readonly Documented[]) => wrong.map(({ at, name }) => `${at} ${name}`).join("\n");
const none = (wrong: readonly Documented[]) => assert.ok(wrong.length === 0, `${wrong.length}:\n${list(wrong)}`);

test("every export of every room has a doc comment", () => {
  assert.ok(exported.length > 400);
  none(exported.filter(({ doc }) => doc === ""));
});

test("every field of every Options and Info type has a doc comment", () => {
  assert.ok(members.length > 200);
  none(members.filter(({ doc }) => doc === ""));
});

test("every optional option names its default", () => {
  none(options.filter(({ doc, line }) => /^ {2}(?:readonly )?\w+\?/.test(line) && !doc.includes("@defaultValue")));
});

test("every duration names its unit", () => {
  none(members.filter(({ name, doc }) => /Ms$/.test(name) && !/\b(?:ms|milliseconds)\b/i.test(doc)));
});

/** The doc comment that ends on the line before `index`, or an empty string. */
function docBefore(lines: readonly string[], index: number): string {
  let end = index - 1;
  if (!lines[end]?.trimEnd().endsWith("*/")) return "";
  const comment: string[] = [];
  for (; end >= 0; end -= 1) {
    comment.unshift(lines[end] ?? "");
    if (lines[end]?.trimStart().startsWith("/*")) break;
  }
  const text = comment.join("\n").trim();
  return text.startsWith("/**") ? text : "";
}

/** The overloads of a function share the comment of the first. */
function isOverload(lines: readonly string[], index: number, name: string): boolean {
  const first = lines.findIndex((line) => new RegExp(`^export (?:async )?function ${name}\\b`).test(line));
  return first >= 0 && first < index;
}

/** Members of the Options or Info type that begins at `line`, if one does. */
function membersFrom(file: string, lines: readonly string[], line: string, index: number): Documented[] {
  const type = /^export interface (\w+(?:Options|Info))\b.*\{$/.exec(line)?.[1];
  if (type === undefined) return [];
  const found: Documented[] = [];
  for (let at = index + 1; at < lines.length && lines[at] !== "}"; at += 1) {
    const member = /^ {2}(?:readonly )?(\w+)\??(?::|\()/.exec(lines[at] ?? "")?.[1];
    if (member === undefined) continue;
    const place = `src/${file}:${at + 1}`;
    found.push({ at: place, name: `${type}.${member}`, doc: docBefore(lines, at), line: lines[at] ?? "" });
  }
  return found;
}
