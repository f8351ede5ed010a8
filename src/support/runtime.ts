/**
 * Whether Bun or Deno runs this program. Used only where their modules of Node.js behave otherwise, in a way that cannot be
 * tested for.
 */
export const isBun: boolean = "bun" in process.versions;
export const isDeno: boolean = "deno" in process.versions;
