import assert from "node:assert/strict";
import { compose, pool, tcp } from "../../../src/index.ts";
import { type Checks, closed, read } from "./checks.ts";
import { reportOf, stage, untilSeen } from "./stage.ts";

const dialer = compose(tcp());

async function ask(conn: import("node:net").Socket): Promise<void> {
  conn.write("ping");
  assert.equal(await read(conn, 4), "ping");
}

export const poolChecks: Checks = {
  "a pool leases a connection again": async () => {
    const before = await reportOf("echo");
    const connections = pool({ dialer });
    for (let leases = 0; leases < 20; leases += 1) {
      const lease = await connections.acquire(stage.peers.echo);
      await ask(lease.conn);
      lease.release();
    }
    assert.equal((await reportOf("echo")).accepted - before.accepted, 1);
    await connections.drain();
    await untilSeen("echo", ({ open }) => open === 0);
  },

  "a pool of maxOpen connections serves every waiter": async () => {
    const before = await reportOf("echo");
    const connections = pool({ dialer, maxOpen: 3 });
    const work = async () => {
      const lease = await connections.acquire(stage.peers.echo);
      await ask(lease.conn);
      lease.release();
    };
    await Promise.all(Array.from({ length: 60 }, work));
    assert.equal((await reportOf("echo")).accepted - before.accepted, 3);
    await connections.close();
    await untilSeen("echo", ({ open }) => open === 0);
  },

  "a pool closes an idle connection that its server closes": async () => {
    const connections = pool({ dialer });
    const lease = await connections.acquire(stage.peers.closing);
    const { conn } = lease;
    lease.release();
    await closed(conn);
    assert.deepEqual([connections.stats().idle, connections.stats().open], [0, 0]);
    await connections.drain();
  },

  "a pool closes an idle connection that receives data unasked": async () => {
    const connections = pool({ dialer });
    const lease = await connections.acquire(stage.peers.echo);
    const { conn } = lease;
    conn.write("late answer");
    lease.release();
    await closed(conn);
    assert.equal(connections.stats().idle, 0);
    await ask((await connections.acquire(stage.peers.echo)).conn);
    await connections.close();
    await untilSeen("echo", ({ open }) => open === 0);
  },

  "an abort ends an acquire that waits": async () => {
    const connections = pool({ dialer, maxOpen: 1 });
    const lease = await connections.acquire(stage.peers.echo);
    const controller = new AbortController();
    const waiting = connections.acquire(stage.peers.echo, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
    lease.release();
    await connections.drain();
  },
};
