/** Replaced by the build with the version in package.json; not defined where the sources run unbuilt. */
declare const DIALTRACE_VERSION: string;

/** Name of the instrumentation scope of spans and metrics. */
export const scopeName = "dialtrace";

/** Version of the instrumentation scope: that of the package. */
export const scopeVersion = typeof DIALTRACE_VERSION === "string" ? DIALTRACE_VERSION : "0.0.0-source";
