import { Client } from "ldapts";
import { ldaptsConnection } from "../../src/clients.ts";
import { clientScenarios } from "./contract.ts";
import type { FakeServer } from "./fake-server.ts";
import { ldapPeer } from "./ldap-peer.ts";

clientScenarios({
  name: "ldapts with ldaptsConnection",
  answer: ["app"],
  start: ldapPeer,
  connections: (server) => (server as FakeServer).accepted,
  make({ dialer, port, ca, timeoutMs }) {
    const client = new Client({
      url: `ldap://127.0.0.1:${port}`,
      createConnection: ldaptsConnection(dialer),
      ...(timeoutMs !== undefined && { connectTimeout: timeoutMs }),
    });
    return {
      async ask() {
        if (!client.isConnected && ca !== undefined) await client.startTLS({ ca, servername: "localhost" });
        if (!client.isConnected) await client.bind("cn=app", "secret");
        return (await client.search("cn=app")).searchEntries.map(({ cn }) => cn);
      },
      close: () => client.unbind(),
    };
  },
});
