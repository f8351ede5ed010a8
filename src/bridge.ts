export { type BridgeOptions, bridge } from "./bridge/bridge.ts";
export type { BridgeErrorInfo, BridgeErrorListener } from "./bridge/client-connection.ts";
export type { BridgeListenOptions } from "./bridge/place.ts";
export { type ProxyServerOptions, proxyServer } from "./bridge/proxy-server.ts";
export type { Bridge, BridgeServer } from "./bridge/server.ts";
