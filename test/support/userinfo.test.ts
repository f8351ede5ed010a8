import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUserinfo } from "../../src/support/userinfo.ts";

const cases: readonly (readonly [text: string, username: string, password: string | undefined])[] = [
  ["me:secret", "me", "secret"],
  ["me:sec:ret", "me", "sec:ret"],
  ["me:", "me", ""],
  [":secret", "", "secret"],
  ["token", "token", undefined],
  ["", "", undefined],
  ["m%3Ae:p%40ss%2Fword", "m:e", "p@ss/word"],
  ["me:100%", "me", "100%"],
  ["m%zz:%40", "m%zz", "@"],
];
for (const [text, username, password] of cases) {
  test(`parseUserinfo reads ${JSON.stringify(text)} as a username and a password`, () =>
    assert.deepEqual(parseUserinfo(text), { username, password }));
}
