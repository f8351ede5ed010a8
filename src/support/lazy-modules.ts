/**
 * Modules of Node.js that take milliseconds to load and that many programs don't use through this package. Each is
 * loaded when first read here. `process.getBuiltinModule` is synchronous; bundlers and jest leave it as it is.
 */
export const lazyModules = {
  get crypto(): typeof import("node:crypto") {
    return process.getBuiltinModule("node:crypto");
  },
  get http(): typeof import("node:http") {
    return process.getBuiltinModule("node:http");
  },
  get tls(): typeof import("node:tls") {
    return process.getBuiltinModule("node:tls");
  },
};
