import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { DialError } from "../../../src/index.ts";
import { closePeers } from "./stage.ts";

/** Checks of one concern, by a sentence that says what holds. */
export type Checks = Readonly<Record<string, () => Promise<void>>>;

/** The result of a check, as one line of JSON on the standard output. */
export interface Result {
  readonly title: string;
  /** Why the check failed. */
  readonly error?: string;
}

/** Limit of one check in milliseconds. */
const limitMs = 40_000;

/** Runs `checks` in turn and prints a {@link Result} for each. */
export async function run(checks: Checks): Promise<void> {
  for (const [title, check] of Object.entries(checks)) {
    const error = await failureOf(check);
    print(error === undefined ? { title } : { title, error });
    // What a failed check leaves open must not fail the next one.
    if (error !== undefined) await closePeers();
  }
}

/** Prints, when the process ends, that it does so by itself; ends it when something keeps it alive. */
export function printEnd(): void {
  const title = "the process ends by itself, as no check leaves anything open";
  const onExit = () => print({ title });
  process.once("exit", onExit);
  const timer = setTimeout(() => {
    process.off("exit", onExit);
    print({ title, error: `it still runs after ${limitMs} ms` });
    process.exit();
  }, limitMs);
  timer.unref();
}

function print(result: Result): void {
  console.log(JSON.stringify(result));
}

async function failureOf(check: () => Promise<void>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([check(), limit]);
    return undefined;
  } catch (error) {
    return String(error instanceof Error ? (error.stack ?? error) : error);
  } finally {
    clearTimeout(timer);
  }
}

/** The error that a dial fails with; it must be a DialError. */
export async function dialErrorOf(dial: Promise<unknown>): Promise<DialError> {
  const error = await dial.then(
    () => assert.fail("the dial must fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DialError, String(error));
  return error;
}

/** Reads `length` characters. Data beyond them is an error. */
export function read(conn: Socket, length: number): Promise<string> {
  return collect(conn, (text) => text.length >= length);
}

/** Reads until a line ends. */
export function readLine(conn: Socket): Promise<string> {
  return collect(conn, (text) => text.endsWith("\n"));
}

function collect(conn: Socket, isComplete: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const end = () => {
      conn.removeListener("data", onData);
      conn.removeListener("error", onError);
      conn.removeListener("end", onEnd);
    };
    const onError = (error: Error) => {
      end();
      reject(error);
    };
    const onEnd = () => onError(new Error(`ended after ${JSON.stringify(text)}`));
    const onData = (chunk: Buffer) => {
      text += String(chunk);
      if (!isComplete(text)) return;
      end();
      resolve(text);
    };
    conn.on("data", onData).on("error", onError).on("end", onEnd);
  });
}

/** Resolves when the connection is closed. */
export function closed(conn: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (conn.closed) resolve();
    else conn.once("close", () => resolve());
  });
}
