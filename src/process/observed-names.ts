import type { Socket } from "node:net";
import type { Dialer, Middleware } from "../core/dialer.ts";
import { compose } from "../engine/compose.ts";
import { type Run, runOf } from "../engine/context.ts";
import { renamed } from "../engine/renamed.ts";

/** Maximum number of names; connections of further names share the last one. */
const maxNames = 64;
const otherName = "_OTHER";
const maxNameLength = 128;

/** The observers of one name, as a `Run`. */
export interface NamedRun {
  readonly dialer: Dialer<Socket>;
  readonly run: Run<Socket>;
}

/** The observers under each name that connections have had. */
export class ObservedNames {
  readonly #observers: readonly Middleware[];
  readonly #base: Dialer<Socket>;
  readonly #byName = new Map<string, NamedRun>();

  constructor(observers: readonly Middleware[], base: Dialer<Socket>) {
    this.#observers = observers;
    this.#base = base;
  }

  /** Returns the observers under their own names. */
  unnamed(): NamedRun {
    return this.#make(this.#observers);
  }

  /** Returns the observers under `name`, or under `_OTHER` if it is no name or there are too many. */
  of(name: unknown): NamedRun {
    const valid = typeof name === "string" && name !== "" && name.length <= maxNameLength ? name : otherName;
    const known = this.#byName.has(valid) || this.#byName.size < maxNames ? valid : otherName;
    let found = this.#byName.get(known);
    if (found === undefined) {
      found = this.#make(this.#observers.map((each) => renamed(each, known)));
      this.#byName.set(known, found);
    }
    return found;
  }

  #make(observers: readonly Middleware[]): NamedRun {
    const dialer = compose<Socket>(...observers, this.#base);
    return { dialer, run: runOf(dialer) };
  }
}
