export { type FakeClock, fakeClock } from "./testing/fake-clock.ts";
export { type ScriptedCall, type ScriptedDialer, type Step, scriptedDialer } from "./testing/scripted-dialer.ts";
