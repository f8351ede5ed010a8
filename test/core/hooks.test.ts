import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { systemClock } from "../../src/async/clock.ts";
import { callHook, hooksOf } from "../../src/core/hooks.ts";
import { dialEventNames } from "../../src/core/trace.ts";
import { compose, type DialTrace, parseTarget, tcp, withTrace } from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { turns } from "../support/contract.ts";
import { goodPeer } from "../support/peers.ts";

const target = parseTarget("h:1");

/** Collects the warnings that `work` causes. */
async function warningsOf(work: () => unknown): Promise<Error[]> {
  const seen: Error[] = [];
  const listener = (warning: Error) => void seen.push(warning);
  process.on("warning", listener);
  await work();
  await turns();
  process.off("warning", listener);
  return seen;
}

test("hooks of a layer run before hooks of the layers above it, and the caller's hooks run last", async () => {
  const said: string[] = [];
  const hook = (name: string) => withTrace({ attemptStart: () => said.push(name) });
  const dial = compose(hook("outer"), hook("inner"), scriptedDialer());
  (await dial("h:1", { trace: { attemptStart: () => said.push("the caller's") } })).destroy();
  assert.deepEqual(said, ["inner", "outer", "the caller's"]);
});

test("a hook that throws or rejects causes one warning with the name of the hook and the stack", async () => {
  const throws: DialTrace = {
    gotConn() {
      throw new Error("thrown by a hook");
    },
  };
  const rejects = { putIdleConn: () => Promise.reject(new Error("rejected by a hook")) } as DialTrace;
  const throwsText: DialTrace = {
    proxyStart() {
      throw "just text";
    },
  };
  const warnings = await warningsOf(() => {
    for (const _ of [1, 2, 3]) {
      callHook(throws, "gotConn", undefined as never);
      callHook(rejects, "putIdleConn", undefined as never);
      callHook(throwsText, "proxyStart", undefined as never);
    }
  });
  assert.deepEqual(
    warnings.map(({ name, message }) => `${name}: ${message}`),
    [
      "DialtraceWarning: a gotConn hook threw and was ignored; its later throws are not reported",
      "DialtraceWarning: a proxyStart hook threw and was ignored; its later throws are not reported",
      "DialtraceWarning: a putIdleConn hook threw and was ignored; its later throws are not reported",
    ],
  );
  assert.match((warnings[0] as never as { detail: string }).detail, /thrown by a hook\n.*at /);
  assert.equal((warnings[1] as never as { detail: string }).detail, "just text");
});

test("an observer that throws causes one warning, and its dials are not observed", async () => {
  const observer = () => {
    throw new Error("thrown by an observer");
  };
  const warnings = await warningsOf(() => {
    assert.equal(hooksOf(observer, { target, background: false }, systemClock), undefined);
    assert.equal(hooksOf(observer, { target, background: false }, systemClock), undefined);
  });
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ["an observer threw and was ignored; its later throws are not reported"],
  );
});

test("an observer may return null for no hooks", async () => {
  const conn = await compose(withTrace((() => null) as never), scriptedDialer())("h:1");
  conn.destroy();
});

test("hooks of a class instance are called with the instance as this, including inherited hooks", async () => {
  class Base {
    readonly said: string[] = [];
    attemptStart() {
      this.said.push("attemptStart");
    }
  }
  class Derived extends Base implements DialTrace {
    dialStart() {
      this.said.push("dialStart");
    }
    dialDone() {
      this.said.push("dialDone");
    }
    connClosed() {
      this.said.push("connClosed");
    }
  }
  const [attached, observed, own] = [new Derived(), new Derived(), new Derived()];
  const dial = compose(
    withTrace(attached),
    withTrace(() => observed),
    scriptedDialer(),
  );
  (await dial("h:1", { trace: own })).destroy();
  for (const { said } of [attached, observed, own]) {
    assert.deepEqual(said, ["dialStart", "attemptStart", "dialDone", "connClosed"]);
  }
});

test("hooks passed to a dial affect neither a base dialed without compose nor options passed on by a decorator", async () => {
  await using server = await goodPeer();
  const broken = Object.fromEntries(
    dialEventNames.map((name) => [
      name,
      () => {
        throw new Error("a broken hook");
      },
    ]),
  ) as DialTrace;
  const conn = await tcp()(server.address, { trace: broken });
  conn.destroy();
  await once(conn, "close");
});
