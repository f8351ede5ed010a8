export type * from "./core/client-trace.ts";
export { type ConnectOptions, connect } from "./nats/connect.ts";
