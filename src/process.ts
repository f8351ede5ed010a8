export {
  type ObserveProcessOptions,
  observeProcess,
  type ProcessObservation,
  type ProcessObserver,
} from "./process/observe-process.ts";
