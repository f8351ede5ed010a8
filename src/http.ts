export type { DialedAgentOptions } from "./web/agent-dials.ts";
export { DialedAgent } from "./web/dialed-agent.ts";
export { DialedHttpsAgent, type DialedHttpsAgentOptions } from "./web/dialed-https-agent.ts";
export type { WebDialOptions } from "./web/options.ts";
