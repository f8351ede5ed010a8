export {
  ConnectionInstrumentation,
  type ConnectionInstrumentationConfig,
} from "./instrumentation/connection-instrumentation.ts";
