import type { Authenticator } from "@nats-io/transport-node";
import { ClientEvents } from "../client/client-events.ts";
import type { ObservedClient } from "../client/client-trace.ts";
import type { Check } from "../support/open-options.ts";
import { clientAuthenticator } from "./authenticators.ts";
import { type BackgroundClient, inBackground } from "./background.ts";
import { type CheckedOptions, checkedOptions, type Options, optionsOf } from "./checked-options.ts";
import { Client } from "./client.ts";
import { CredentialValidities } from "./credential-validity.ts";
import { serverCounts } from "./internals.ts";
import { rememberClient } from "./known-clients.ts";
import { Lifecycle } from "./lifecycle.ts";
import { ensureTransportFactory, type NatsLibrary } from "./nats-library.ts";
import { DialedProtocol } from "./protocol.ts";
import { measureRtt } from "./rtt.ts";
import { tlsFilesOf } from "./tls-files.ts";

/** Returns the `connect` of a client library. It resolves to that library's connections. */
export function connectWith<C>(library: NatsLibrary, checks: Readonly<Record<string, Check>>) {
  return async function connect(
    first: string | Options | null = {},
    second?: Options,
  ): Promise<C | BackgroundClient<C>> {
    const options = optionsOf(first, second);
    const checked = checkedOptions(library, checks, options);
    const client = newClient<C>(library, options.name, checked);
    return checked.connectInBackground ? inBackground(client) : client.connect();
  };
}

function newClient<C>(library: NatsLibrary, name: string | undefined, checked: CheckedOptions): Client<C> {
  const { nc, dialer, servers, credentials, buffer, delay, rttIntervalMs, signal, connectDeadlineMs } = checked;
  ensureTransportFactory(library);
  const observed: ObservedClient = {
    name,
    stats: () => {
      const { lost } = protocol.publisher;
      return { bufferedBytes: buffer.size, credentials: validities.all, ...lost, ...nc.stats(), ...serverCounts(nc) };
    },
    refresh: () => validities.refresh(),
  };
  const validities = new CredentialValidities(credentials, async () => tlsFilesOf(nc.options)?.certificate());
  const events = new ClientEvents(observed, "connecting");
  const lifecycle = new Lifecycle(events, () => nc.options.reconnect === true, library.notConnectedError);
  const userinfo = () => protocol.pool.userinfoOf(protocol.handler.server);
  nc.options.authenticator = clientAuthenticator(nc.options.authenticator as Authenticator, userinfo);
  const parts = { dialer, lifecycle, buffer, credentials, validities, delay, servers };
  const protocol: DialedProtocol = new DialedProtocol(library, nc.options, nc, parts);
  nc.protocol = protocol.handler;
  rememberClient(nc, events, { connected: () => protocol.handler.connected, lastError: () => lifecycle.lastError });
  events.observe([checked.callbacks, checked.trace].flat());
  if (rttIntervalMs !== undefined) measureRtt(nc, rttIntervalMs, events);
  const addresses = servers.map(({ address }) => address);
  return new Client(library, nc, protocol, lifecycle, { signal, deadlineMs: connectDeadlineMs, servers: addresses });
}
