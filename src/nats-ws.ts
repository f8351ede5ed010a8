export { type WsFactory, type WsFactoryOptions, wsFactory } from "./nats/ws-factory.ts";
