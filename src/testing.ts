export type { Fault, FaultRange, FaultStep, FaultsOptions } from "./testing/draw-faults.ts";
export { type FakeClock, fakeClock } from "./testing/fake-clock.ts";
export { withFaults } from "./testing/faults.ts";
export { type ScriptedCall, type ScriptedDialer, type Step, scriptedDialer } from "./testing/scripted-dialer.ts";
