import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { script } from "../../src/inspector/page/script.ts";
import { temporaryFile } from "../support/temporary.ts";

test("the page's script type-checks against the browser's types", () => {
  const file = temporaryFile("page.js", script);
  const checks = ["--noEmit", "--allowJs", "--checkJs", "--target", "es2023", "--lib", "es2023,dom,dom.iterable"];
  const { status, stdout } = spawnSync(
    "npx",
    ["tsc", "--ignoreConfig", ...checks, "--types", "", "--noUnusedLocals", "--strict", "false", file],
    {
      encoding: "utf8",
    },
  );
  assert.equal(status, 0, stdout);
});

test("the page's script never parses text as markup and connects only to its own server", () => {
  for (const way of [
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser/,
    /\beval\b|new Function/,
    /setAttribute\("(?:on|style)/,
  ]) {
    assert.doesNotMatch(script, way);
  }
  const asked = [...script.matchAll(/(?:fetch|EventSource|open|import|sendBeacon|WebSocket)\((.*?)\)/g)].map(
    ([, what]) => what,
  );
  assert.deepEqual(asked.sort(), ['base + "events"', 'base + "json"']);
});
