export type * from "./core/client-trace.ts";
export type { BackgroundConnection } from "./nats/background.ts";
export type { ClientCallbacks } from "./nats/callbacks.ts";
export { type BackgroundConnectOptions, type ConnectOptions, connect } from "./nats/connect.ts";
export type { CredentialOptions } from "./nats/credentials.ts";
export { type Instrumentation, type InstrumentOptions, instrument } from "./nats/instrument.ts";
export { natsLog } from "./nats/log.ts";
export { ReconnectBufferError } from "./nats/publish-buffer.ts";
export type { ReconnectDelayOptions } from "./nats/reconnect-delay.ts";
