import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { AbstractConnector } from "ioredis";
import {
  ioredisConnector,
  kafkajsSocketFactory,
  ldaptsConnection,
  mqttStream,
  nodemailerSocket,
  rheaConnection,
  wsConnection,
} from "../../src/clients.ts";
import { compose, type Dialer, tcp, withTrace } from "../../src/index.ts";
import { until } from "../support/resources.ts";

const ioredis = (dialer: Dialer, target?: string, options?: object) =>
  ioredisConnector(AbstractConnector, dialer, target, options);

const adapters = {
  ioredisConnector: ioredis,
  kafkajsSocketFactory,
  ldaptsConnection,
  mqttStream,
  nodemailerSocket,
  rheaConnection,
  wsConnection,
};

for (const [name, adapter] of Object.entries(adapters)) {
  test(`${name} refuses a factory in place of its dialer, and an unknown option`, () => {
    assert.throws(() => adapter(tcp as never, "h:1"), {
      name: "TypeError",
      message: new RegExp(`^${name}: dialer must be a dialer, got the factory tcp; call it: tcp\\(\\)$`),
    });
    assert.throws(() => adapter(tcp(), "h:1", { onwer: {} } as never), {
      name: "TypeError",
      message: `${name}: unknown option onwer; did you mean owner?`,
    });
  });
}

/** The sockets that each adapter gives to its client, which names the server `named:1` or no server. */
const sockets: Readonly<Record<string, (dialer: Dialer, target?: string) => Socket | Promise<Socket>>> = {
  ioredisConnector(dialer, target) {
    const connector = new (ioredis(dialer, target))({ host: "named", port: 1 }) as never as {
      connect(): Promise<Socket>;
    };
    return connector.connect();
  },
  kafkajsSocketFactory: (dialer, target) =>
    kafkajsSocketFactory(dialer, target)({ host: "named", port: 1, onConnect: () => {} }),
  ldaptsConnection: (dialer, target) => ldaptsConnection(dialer, target)(1, "named"),
  mqttStream: (dialer, target) =>
    mqttStream(dialer, target)({ options: { host: "named", port: 1 }, on: () => {}, removeListener: () => {} }),
  nodemailerSocket: (dialer, target) =>
    new Promise((resolve, reject) =>
      nodemailerSocket(dialer, target)({ host: "named", port: 1 }, (error, given) =>
        given === undefined ? reject(error) : resolve(given.connection),
      ),
    ),
  rheaConnection: (dialer, target) =>
    rheaConnection(dialer, target)
      .call({ host: "named", port: 1 })
      .connect(1, "named", {}, () => {}),
  wsConnection: (dialer, target) => wsConnection(dialer, target)({ host: "named", port: "1" }),
};

for (const [name, open] of Object.entries(sockets)) {
  test(`${name} dials the server that the client names, or its own target in its place`, async () => {
    const dialed: string[] = [];
    const record = withTrace({ dialStart: ({ target }) => void dialed.push(String(target)) });
    const refuse: Dialer = () => Promise.reject(new Error("not dialed"));
    const dialer = compose(record, refuse);
    for (const target of [undefined, "own:2"]) {
      const socket = await open(dialer, target);
      socket.on("error", () => {});
      await until(() => socket.closed, "the socket is closed");
    }
    assert.deepEqual(dialed, ["named:1", "own:2"]);
  });
}
