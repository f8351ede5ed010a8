import assert from "node:assert/strict";
import { compose, tcp } from "../../../src/index.ts";
import { type InspectorSnapshot, inspector } from "../../../src/inspector.ts";
import { type Checks, dialErrorOf } from "./checks.ts";
import { stage } from "./stage.ts";

/** Reads the live stream until `isComplete` accepts its text. */
async function readEvents(response: Response, isComplete: (text: string) => boolean): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  while (!isComplete(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended after ${text}`);
    text += new TextDecoder().decode(value);
  }
  await reader.cancel();
}

export const inspectorChecks: Checks = {
  "the inspector serves its page and the data": async () => {
    const page = inspector();
    const dial = compose(page.observe({ name: "orders" }), tcp());
    await using server = await page.listen();
    const conn = await dial(stage.peers.good);
    await dialErrorOf(dial(stage.peers.refused));
    const html = await fetch(server.url);
    assert.equal(html.status, 200);
    assert.match(html.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(html.headers.get("content-security-policy") ?? "", /default-src/);
    assert.match(await html.text(), /^<!doctype html>/i);
    const data = (await (await fetch(new URL("json", server.url))).json()) as InspectorSnapshot;
    assert.deepEqual(data.dialers[0]?.connections, { open: 1, idle: 0, closed: 0 });
    assert.equal(data.dialers[0]?.failures.refused, 1);
    assert.equal(data.connections.shown[0]?.peer, stage.peers.good);
    conn.destroy();
  },

  "the inspector streams updates until its server closes": async () => {
    const page = inspector({ updateMs: 100 });
    const dial = compose(page.observe({ name: "orders" }), tcp());
    const server = await page.listen();
    const [first, second] = await Promise.all([
      fetch(new URL("events", server.url)),
      fetch(new URL("events", server.url)),
    ]);
    assert.match(first.headers.get("content-type") ?? "", /^text\/event-stream/);
    const conn = await dial(stage.peers.good);
    await readEvents(first, (text) => text.includes(stage.peers.good));
    conn.destroy();
    const ended = second.text().catch(() => "");
    await server.close();
    await ended;
    await assert.rejects(fetch(server.url));
  },

  "the inspector refuses other hosts and methods": async () => {
    await using server = await inspector().listen();
    const posted = await fetch(server.url, { method: "POST" });
    assert.equal(posted.status, 405);
    await posted.text();
    assert.equal(await statusFor(server.port, "evil.example"), "403");
    assert.equal(await statusFor(server.port, `127.0.0.1:${server.port}`), "200");
  },
};

/** The status of a request with that `Host`, which fetch does not let be set. */
async function statusFor(port: number, host: string): Promise<string | undefined> {
  const conn = await compose(tcp())(`127.0.0.1:${port}`);
  conn.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const text = await new Promise<string>((resolve, reject) => {
    let all = "";
    conn.on("error", reject);
    conn.on("data", (chunk) => {
      all += String(chunk);
    });
    conn.on("end", () => resolve(all));
  });
  conn.destroy();
  return /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
}
