import type { ClientState, ClientTrace } from "dialtrace/nats";
import type { Screen } from "./screen.ts";

/** Hooks into a client's life that know its state, tell what happens in lines, and pass all on to `metrics`. */
export function watchClient(screen: Screen, metrics: ClientTrace) {
  let state: ClientState = "connecting";
  const trace: ClientTrace = {
    stateChange(info) {
      state = info.state;
      metrics.stateChange?.(info);
    },
    disconnect(info) {
      screen.say("client", `is disconnected, because: ${info.reason}`);
      metrics.disconnect?.(info);
    },
    reconnectAttempt(info) {
      metrics.reconnectAttempt?.(info);
    },
    reconnect(info) {
      screen.say("client", `is back, after an outage of ${(info.outageMs / 1000).toFixed(1)} s`);
      metrics.reconnect?.(info);
    },
  };
  return {
    trace,
    get state() {
      return state;
    },
  };
}
