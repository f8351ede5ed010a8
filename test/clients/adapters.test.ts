/** What the adapters do without a server: their targets, owners, arguments. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import {
  mariadbStream,
  mysql2Stream,
  type PostgresTarget,
  pgStream,
  postgresSocket,
  tediousConnector,
} from "../../src/clients.ts";
import { compose, type Dialer, tcp, withTrace } from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { collectGarbage } from "../support/collect.ts";
import { goodPeer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

/** How a client obtains a socket for its own target, by each adapter. */
const adapters = {
  pgStream: (dialer: Dialer, target?: string, options?: object) => {
    const stream = pgStream(dialer, target, options);
    return { owner: stream, open: async () => stream().connect(5432, "own") };
  },
  postgresSocket: (dialer: Dialer, target?: string, options?: object) => {
    const socket = postgresSocket(dialer, target, options);
    return { owner: socket, open: async () => socket({ host: ["own"], port: [5432] }) };
  },
  mysql2Stream: (dialer: Dialer, target?: string, options?: object) => {
    const stream = mysql2Stream(dialer, target, options);
    return { owner: stream, open: async () => stream({ config: { host: "own", port: 3306 } }) };
  },
  mariadbStream: (dialer: Dialer, target = "own:3306", options?: object) => {
    const stream = mariadbStream(dialer, target, options);
    return { owner: stream, open: async () => stream() };
  },
  tediousConnector: (dialer: Dialer, target?: string, options?: object) => {
    const connector = tediousConnector(dialer, target, options);
    return { owner: connector, open: () => connector({ host: "own", port: 1433 }) };
  },
};

/** A dialer that records its dials. */
function recording(base: Dialer) {
  const dials: { target: string; background: boolean; owner: unknown }[] = [];
  const layer = withTrace({
    dialStart: ({ target, background, owner }) => void dials.push({ target: String(target), background, owner }),
  });
  return { dials, dialer: compose(layer, base) };
}

async function connected(opening: Promise<Socket>): Promise<Socket> {
  const socket = await opening;
  if (socket.connecting) await once(socket, "connect");
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.destroy();
  if (!socket.closed) await once(socket, "close");
}

for (const [name, adapt] of Object.entries(adapters)) {
  describe(name, () => {
    test(`${name} dials what the client names, or the target that it was given`, async () => {
      for (const target of [undefined, "given:1"]) {
        const { dials, dialer } = recording(scriptedDialer(["connect"]) as never);
        await closed(await connected(adapt(dialer, target).open()));
        const [dial] = dials;
        assert.match(dial?.target ?? "", target === undefined ? /^own:(5432|3306|1433)$/ : /^given:1$/);
      }
    });

    test(`a dial of ${name} is in the background only when every connection before it is gone`, async () => {
      await using server = await goodPeer();
      const { dials, dialer } = recording(tcp());
      const { open, owner } = adapt(dialer, server.address);
      const first = await connected(open());
      const second = await connected(open());
      await closed(first);
      const third = await connected(open());
      await closed(second);
      await closed(third);
      await closed(await connected(open()));
      assert.deepEqual(
        dials.map(({ background }) => background),
        [false, false, false, true],
      );
      for (const dial of dials) assert.equal(dial.owner, owner);
    });

    test(`a dial of ${name} after one that failed is not in the background`, async () => {
      const { dials, dialer } = recording(scriptedDialer([new Error("no"), "connect"]) as never);
      const { open } = adapt(dialer);
      await assert.rejects(connected(open()), { name: "DialError" });
      await closed(await connected(open()));
      assert.deepEqual(
        dials.map(({ background }) => background),
        [false, false],
      );
    });

    test(`the options owner and background of ${name} replace its own`, async () => {
      await using server = await goodPeer();
      const { dials, dialer } = recording(tcp());
      const owner = {};
      const { open } = adapt(dialer, server.address, { owner, background: true });
      await closed(await connected(open()));
      assert.equal(dials[0]?.owner, owner);
      assert.equal(dials[0]?.background, true);
    });

    test(`${name} says that a factory or a middleware is not a dialer`, () => {
      assert.throws(() => adapt(tcp as never), {
        name: "TypeError",
        message: `${name}: dialer must be a dialer, got the factory tcp; call it: tcp()`,
      });
      assert.throws(() => adapt({} as never), { message: `${name}: dialer must be a function, got an object` });
    });

    test(`1000 sockets of ${name} that are destroyed at once leave no socket open, and each counts one canceled dial`, {
      skip: name === "tediousConnector" && "it hands out a socket only when it is connected",
    }, async () => {
      await using server = await goodPeer();
      const before = openSockets();
      const outcomes: string[] = [];
      const dialer = compose(withTrace({ dialDone: ({ outcome }) => void outcomes.push(outcome) }), tcp());
      const { open } = adapt(dialer, server.address);
      for (let count = 0; count < 1000; count += 1) (await open()).destroy();
      await until(() => outcomes.length === 1000, "every dial has ended");
      assert.deepEqual([...new Set(outcomes)], ["canceled"]);
      await until(() => openSockets() <= before, "no socket is open");
    });
  });
}

test("mariadbStream needs a target, because its client names none", () => {
  assert.throws(() => mariadbStream(tcp(), undefined as never), {
    name: "TypeError",
    message: "mariadbStream: target must be given, because the client names none",
  });
});

test("postgresSocket and mysql2Stream dial the path of a unix socket, if the client has one", async () => {
  const { dials, dialer } = recording(scriptedDialer(["connect"]) as never);
  await closed(await connected(Promise.resolve(postgresSocket(dialer)({ path: "/run/.s.PGSQL.5432", host: ["h"] }))));
  await closed(await connected(Promise.resolve(mysql2Stream(dialer)({ config: { socketPath: "/run/mysqld.sock" } }))));
  assert.deepEqual(
    dials.map(({ target }) => target),
    ["unix:/run/.s.PGSQL.5432", "unix:/run/mysqld.sock"],
  );
});

test("a socket of postgresSocket has the host that the client verifies, even if another target is dialed", async () => {
  const { dialer } = recording(scriptedDialer(["connect"]) as never);
  const target: PostgresTarget = { host: ["db.internal"], port: [5432] };
  const socket = postgresSocket(dialer, "10.0.0.1:6432")(target);
  assert.equal(socket.host, "db.internal");
  await closed(socket);
});

test("a connect of tediousConnector whose signal aborts is canceled, and rejects with the signal's reason", async () => {
  const outcomes: string[] = [];
  const dialer = compose(
    withTrace({ dialDone: ({ outcome }) => void outcomes.push(outcome) }),
    scriptedDialer(["hang"]) as never,
  );
  const abort = new AbortController();
  const connecting = tediousConnector(dialer)({ host: "h", port: 1 }, undefined, abort.signal);
  const reason = new Error("in time");
  abort.abort(reason);
  await assert.rejects(connecting, reason);
  assert.deepEqual(outcomes, ["canceled"]);
  await assert.rejects(tediousConnector(dialer)({ host: "h", port: 1 }, undefined, abort.signal), reason);
  assert.equal(outcomes.length, 1);
});

test("sockets of pgStream whose client never connects them can be collected", async () => {
  const stream = pgStream(tcp());
  const sockets = Array.from({ length: 50 }, () => new WeakRef(stream()));
  for (let tries = 0; tries < 100 && sockets.some((each) => each.deref() !== undefined); tries += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  assert.deepEqual(
    sockets.filter((each) => each.deref() !== undefined),
    [],
  );
});
