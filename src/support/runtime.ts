/** Whether Bun runs this program. Used only where its modules of Node.js behave otherwise, in a way that cannot be tested for. */
export const isBun: boolean = "bun" in process.versions;

/** Whether Deno runs this program. See {@link isBun}. */
export const isDeno: boolean = "deno" in process.versions;
