/** A program that uses lazy sockets, and prints what it saw: on every runtime the same, except the mode. */
export const lazySocketProgram = `
  import net from "node:net";
  const { lazySocket, lazySocketMode, tcp, tls, compose } = await import("dialtrace");
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => socket.write(data));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = server.address().port;
  const closes = [];
  const dial = compose(tcp());
  const socket = lazySocket(dial, "127.0.0.1:" + port, {
    trace: { connClosed: ({ reason, bytesRead, bytesWritten }) => closes.push([reason, bytesRead, bytesWritten]) },
  });
  const events = [];
  for (const event of ["connect", "ready", "end", "close"]) {
    socket.on(event, (value) => events.push(event === "close" ? event + " " + value : event));
  }
  socket.setNoDelay(true).setKeepAlive(true, 1000).setTimeout(60000);
  socket.write("hello ");
  socket.write("wörld");
  const before = [socket.connecting, socket.pending, socket.readyState];
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (data) => {
    text += data;
    if (text.length === 11) socket.end();
  });
  await new Promise((resolve) => socket.on("connect", resolve));
  const connected = [socket.connecting, socket.pending, socket.readyState, socket.remotePort === port];
  await new Promise((resolve) => socket.on("close", resolve));
  const counts = [socket.bytesRead, socket.bytesWritten];

  const big = lazySocket(dial, "127.0.0.1:" + port);
  let received = 0;
  big.on("data", (data) => {
    received += data.length;
    if (received === 1048576) big.end();
  });
  big.write(new Uint8Array(1048576));
  await new Promise((resolve) => big.on("close", resolve));

  const refused = lazySocket(dial, "127.0.0.1:" + port);
  server.close();
  const destroyed = [];
  refused.on("close", (hadError) => destroyed.push(hadError));
  refused.destroy();
  await new Promise((resolve) => refused.on("close", resolve));
  const failed = [];
  const failing = lazySocket(async () => { throw new Error("no"); }, "h:1");
  failing.on("error", (error) => failed.push(error.name));
  failing.on("close", (hadError) => failed.push(hadError));
  await new Promise((resolve) => failing.on("close", resolve));
  const mode = lazySocketMode(socket);
  console.log(JSON.stringify({ mode, before, connected, text, events, counts, closes, received, destroyed, failed }));
`;

/** What the program prints, except the mode. */
export const lazySocketOutput = {
  before: [true, true, "opening"],
  connected: [false, false, "open", true],
  text: "hello wörld",
  events: ["connect", "ready", "end", "close false"],
  counts: [12, 12],
  closes: [["local", 12, 12]],
  received: 1048576,
  destroyed: [false],
  failed: ["DialError", true],
};
