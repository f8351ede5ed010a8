import { describeLayer } from "../engine/describe.ts";
import { contains, type Layer } from "../engine/layer-info.ts";
import type { StackSummary } from "./snapshot.ts";

/** Maximum number of stacks per name: a program may compose a dialer for each request. */
const maxStacks = 4;

/** The layers of the dialers of one name. */
export class Stacks {
  #outermost: readonly Layer[] = [];

  /** Adds the layers of a dialer. They replace those that became a part of them. */
  add(outermost: Layer): void {
    const others = this.#outermost.filter((each) => !contains(outermost, each));
    this.#outermost = [...others, outermost].slice(-maxStacks);
  }

  summary(): readonly StackSummary[] {
    return this.#outermost.map((each) => {
      const description = describeLayer(each);
      return { text: String(description), warnings: description.warnings };
    });
  }
}
