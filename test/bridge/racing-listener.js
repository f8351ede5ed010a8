import { bridge } from "dialtrace/bridge";

/** Listens on each path that the parent sends, and answers whether it could; closes the server on any other message. */
const local = bridge({ dialer: () => Promise.reject(new Error("no dial")), target: "127.0.0.1:1" });
let server;
process.on("message", async ({ path }) => {
  await server?.close();
  server = undefined;
  if (path === undefined) return process.send("closed");
  try {
    server = await local.listen({ path });
    process.send("listens");
  } catch (error) {
    process.send(error.code);
  }
});
process.send("ready");
