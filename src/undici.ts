export { type DispatcherOptions, dispatcher } from "./web/dispatcher.ts";
export type { WebDialOptions } from "./web/options.ts";
