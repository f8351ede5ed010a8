export { type Inspector, type InspectorNameOptions, type InspectorOptions, inspector } from "./inspector/inspector.ts";
export type { InspectorListenOptions, InspectorServer } from "./inspector/listen.ts";
export type * from "./inspector/snapshot.ts";
