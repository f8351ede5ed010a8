import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Consumer, unpackedConsumer } from "../support/consumer.ts";
import { countingHttpServer } from "../support/counting-servers.ts";
import { startService } from "../support/observed-service.ts";
import { until } from "../support/resources.ts";
import { denoFlags, runtimeCommand } from "../support/runtimes.ts";

/** A service that connects to `PEER` once per request, in the way that the path names. */
const app = `
  import { createServer, get } from "node:http";
  import { connect } from "node:net";

  const port = Number(process.env.PEER);
  const hostname = "127.0.0.1";
  const ways = {
    net: () => new Promise((resolve, reject) => {
      const socket = connect(port, hostname, () => socket.destroy());
      socket.once("close", resolve).once("error", reject);
    }),
    http: () => new Promise((resolve, reject) => {
      get({ port, hostname, agent: false }, (answer) => answer.resume().once("end", resolve)).once("error", reject);
    }),
    fetch: async () => (await fetch("http://127.0.0.1:" + port + "/", { headers: { connection: "close" } })).text(),
    own: async () => {
      const { Bun, Deno } = globalThis;
      if (Deno) (await Deno.connect({ port, hostname })).close();
      else (await Bun.connect({ port, hostname, socket: { data() {} } })).end();
    },
  };
  const server = createServer(async (request, response) => {
    await ways[request.url.slice(1)]();
    response.end("done");
  });
  server.listen(0, hostname, () => console.log("app at http://127.0.0.1:" + server.address().port + "/"));
`;

/** The arguments with which each runtime observes a program, as the README of `register` gives them. */
const args = {
  bun: ["--preload", "dialtrace/register"],
  deno: ["run", ...denoFlags, "--preload", "./node_modules/dialtrace/dist/register.js"],
} as const;

const rounds = 25;

let consumer: Consumer;

before(async () => {
  consumer = await unpackedConsumer();
  consumer.write({ "app.mjs": app });
});

describe("dialtrace/register on other runtimes", () => {
  for (const name of ["bun", "deno"] as const) {
    it(`on ${name} metrics, page and log have exactly the connections of node:net and node:http`, async (t) => {
      const found = await runtimeCommand(name);
      if ("missing" in found) return t.skip(found.missing);
      await using peer = await countingHttpServer();
      await using service = await startService({
        folder: consumer.folder,
        command: found.command,
        args: [...args[name], "app.mjs"],
        env: { PEER: String(peer.port), DIALTRACE_LOG: "1" },
      });
      const visit = async (way: string) => {
        for (let round = 0; round < rounds; round += 1) {
          const response = await fetch(`${service.url}${way}`);
          assert.equal(await response.text(), "done", service.said());
        }
      };
      const observed = async () => ({
        metrics: (await service.scrape()).value("dialer_connection_established_total", { dialer_name: "default" }),
        page: (await service.shown()).default,
        log: service.said().match(new RegExp(`connected to 127\\.0\\.0\\.1:${peer.port}`, "g"))?.length,
      });

      for (const [index, way] of ["net", "http"].entries()) {
        await visit(way);
        const expected = rounds * (index + 1);
        await until(() => peer.accepted() === expected, `${expected} connections at the server`);
        assert.deepEqual(await observed(), { metrics: expected, page: expected, log: expected }, way);
      }
      assert.match(await (await fetch(service.page)).text(), /<!doctype html>/i);

      // These connections do not use node:net, as the README says.
      await visit("fetch");
      await visit("own");
      await until(() => peer.accepted() === 4 * rounds, `${4 * rounds} connections at the server`);
      assert.deepEqual(await observed(), { metrics: 2 * rounds, page: 2 * rounds, log: 2 * rounds });
    });
  }
});
