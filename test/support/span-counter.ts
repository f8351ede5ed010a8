import type { SpanProcessor } from "@opentelemetry/sdk-trace-base";

/** Counts spans by name and keeps only the open ones, so that a long run does not fill the memory. */
export class SpanCounter implements SpanProcessor {
  readonly made = new Map<string, number>();
  readonly #open = new Set<{ readonly name: string }>();

  get open(): string[] {
    return Array.from(this.#open, ({ name }) => name);
  }

  onStart(span: { readonly name: string }): void {
    this.made.set(span.name, (this.made.get(span.name) ?? 0) + 1);
    this.#open.add(span);
  }

  onEnd(span: { readonly name: string }): void {
    this.#open.delete(span);
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}
