export type * from "./client/client-trace.ts";
export type { ClientCallbacks } from "./nats/callbacks.ts";
export type { CredentialOptions } from "./nats/connect-options.ts";
export {
  type BackgroundConnection,
  type BackgroundConnectOptions,
  type ConnectOptions,
  connect,
  describe,
} from "./nats/connect-v2.ts";
export type { ConnectDescription } from "./nats/describe.ts";
export { type Instrumentation, type InstrumentOptions, instrument } from "./nats/instrument.ts";
export { natsLog } from "./nats/log.ts";
export { ReconnectBufferError } from "./nats/publish-buffer.ts";
export type { ReconnectDelayOptions } from "./nats/reconnect-delay.ts";
export { type ConnectionState, stateOf } from "./nats/state-of.ts";
