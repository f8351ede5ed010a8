import { Readable } from "node:stream";
import { spec } from "node:test/reporters";

/** @typedef {{ type: string, data: { name?: string, nesting?: number } }} TestEvent */

// Plain JavaScript, since Node loads a reporter before it loads tsx.
/**
 * Node's `spec` reporter with the NATS client's name before every title, so that a CI log distinguishes the two passes.
 *
 * @param {AsyncIterable<TestEvent>} events
 */
async function* lineReporter(events) {
  yield* Readable.from(withLine(events)).pipe(new spec());
}

/** @param {AsyncIterable<TestEvent>} events */
async function* withLine(events) {
  const client = process.env.DIALTRACE_NATS_LINE === "v2" ? "nats 2.x" : "transport-node";
  for await (const event of events) {
    const { name, nesting } = event.data;
    yield name !== undefined && nesting === 0
      ? { ...event, data: { ...event.data, name: `[${client}] ${name}` } }
      : event;
  }
}

// biome-ignore lint/style/noDefaultExport: `node --test` takes a reporter from the default export
export default lineReporter;
