import type { InstrumentationConfig } from "@opentelemetry/instrumentation";
import type { Target } from "../core/target.ts";
import { checkBoolean, checkFunction, checkOptions, type OptionNames } from "../support/validate.ts";
import { checkName } from "../telemetry/check-name.ts";
import { type IgnoredTarget, readIgnoredTargets } from "./ignored-targets.ts";

/** Configuration of `ConnectionInstrumentation`. */
export interface ConnectionInstrumentationConfig extends InstrumentationConfig {
  /** Creates spans only for connections with an active parent span. All are measured. @defaultValue `false` */
  requireParentSpan?: boolean | undefined;
  /**
   * Targets whose connections are neither traced nor measured: patterns as `*.internal:5432` (a host for any port, `:port`
   * for any host, `unix:/path`), regular expressions of `host:port`, or functions that return `true`.
   * @defaultValue none
   */
  ignoreTargets?: readonly IgnoredTarget[] | undefined;
  /**
   * Value of the attribute `dialer.name`, 1 to 128 characters, or a function that returns it for a target. The first 64
   * names that it returns are kept; further ones are `_OTHER`, as is anything but a name. @defaultValue `"default"`
   */
  name?: string | ((target: Target) => string) | undefined;
}

const names: OptionNames<ConnectionInstrumentationConfig> = {
  enabled: true,
  requireParentSpan: true,
  ignoreTargets: true,
  name: true,
};

/** Throws a `TypeError` unless the configuration is valid. */
export function checkConfig(config: ConnectionInstrumentationConfig): void {
  checkOptions("ConnectionInstrumentation", config, names);
  const { enabled, requireParentSpan, ignoreTargets, name } = config;
  if (enabled !== undefined) checkBoolean("ConnectionInstrumentation: enabled", enabled);
  if (requireParentSpan !== undefined) {
    checkBoolean("ConnectionInstrumentation: requireParentSpan", requireParentSpan);
  }
  if (ignoreTargets !== undefined) readIgnoredTargets(ignoreTargets);
  if (typeof name === "function") checkFunction("ConnectionInstrumentation: name", name);
  else if (name !== undefined) checkName("ConnectionInstrumentation", name);
}
