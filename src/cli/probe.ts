import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Cancel } from "../async/cancel.ts";
import type { Handshake, Middleware } from "../core/dialer.ts";
import { withTrace } from "../middleware/trace.ts";
import { type DialRecord, recordDials } from "../record/dial-record.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import { noteSecrets, type SentSecrets } from "../support/sent-secrets.ts";
import { checkAddresses, maxCheckMs } from "./address-checks.ts";
import { listenAfter } from "./after.ts";
import { tlsFacts } from "./certificates.ts";
import type { CliTarget } from "./cli-target.ts";
import { offeredTo, secretsOf } from "./credentials.ts";
import type { AddressFacts, Probe } from "./facts.ts";
import { Lookups } from "./lookups.ts";
import type { Shown } from "./protocols/exchange.ts";
import { httpExchange } from "./protocols/http.ts";
import { natsExchange } from "./protocols/nats.ts";
import { type Environment, type Route, routeOf } from "./route.ts";
import type { Settings } from "./settings.ts";
import { durationsOf, failurePlace, Trail } from "./trail.ts";

/** Maximum number of bytes of a peer's text that are printed. */
const maxPeerBytes = 300;

/** Dials one target of the command line, any number of times. */
export class Prober {
  readonly target: CliTarget;
  readonly #settings: Settings;
  readonly #secrets: SentSecrets;
  readonly #route: Route;
  readonly #lookups: Lookups;
  #record: DialRecord;

  /** @throws UsageError if an option cannot be used with the target. */
  constructor(target: CliTarget, settings: Settings, env: Environment, observers: readonly Middleware[] = []) {
    this.target = target;
    this.#settings = settings;
    this.#record = notStarted(target);
    this.#secrets = secretsOf(settings.credentials, target);
    const recorder = withTrace(
      recordDials((record) => {
        this.#record = record;
      }),
    );
    this.#lookups = new Lookups(target.target);
    const shared = { env, secrets: this.#secrets, lookup: this.#lookups.lookup };
    this.#route = routeOf(target, settings, shared, [recorder, ...observers]);
  }

  /** The layers of its dialer, as text. */
  get description(): string {
    return this.#route.description;
  }

  /**
   * Dials once. Never rejects: a failure is a result.
   *
   * @param details - whether to make further connections for what the dial itself does not show: the addresses that the
   * race left undecided, a rejected certificate, the banner of a server that sends first.
   */
  async probe(details: boolean, signal: AbortSignal): Promise<Probe> {
    const trail = new Trail(this.#clean);
    const conn = await this.#dial(trail, signal);
    const isOpen = "destroy" in conn;
    if (isOpen) this.#readTls(conn, trail.shown, true);
    const probe = this.#probeOf(trail, isOpen ? "" : this.#clean(messageOf(conn.error)));
    try {
      return details ? await this.#withDetails(probe, trail, isOpen ? conn : undefined, signal) : probe;
    } finally {
      if (isOpen) conn.on("error", () => {}).destroy();
    }
  }

  async #dial(trace: Trail, signal: AbortSignal): Promise<Socket | { readonly error: unknown }> {
    this.#record = notStarted(this.target);
    this.#lookups.reset();
    try {
      return await this.#route.dial(this.target.target, {
        signal,
        trace,
        handshake: this.#handshake(() => trace.shown, false),
      });
    } catch (error) {
      return { error };
    }
  }

  #probeOf(trail: Trail, message: string): Probe {
    const record = this.#record;
    const { proxy } = this.#route;
    return {
      target: this.target.text,
      protocol: this.target.protocol,
      startedAt: record.startedAt,
      outcome: record.outcome ?? "canceled",
      reason: record.reason,
      message: record.outcome === "failure" ? message : "",
      durationMs: record.durationMs ?? 0,
      attempts: record.attempts,
      phases: durationsOf(record),
      failedIn: failurePlace(record, proxy !== undefined, trail.proxyReached),
      addresses: proxy === undefined ? trail.addresses : [],
      proxy,
      offered: offeredTo(this.target, this.#settings.credentials),
      ...trail.shown,
      record,
    };
  }

  async #withDetails(probe: Probe, trail: Trail, conn: Socket | undefined, signal: AbortSignal): Promise<Probe> {
    const { waitMs } = this.#settings;
    const speaksFirst = probe.protocol === "tcp" || probe.protocol === "tls";
    const rejected = conn === undefined && /^tls_(cert|hostname)/.test(probe.reason ?? "");
    const [addresses, after, tls] = await Promise.all([
      probe.proxy === undefined ? this.#checkAddresses(trail.addresses, signal) : [],
      conn !== undefined && speaksFirst && waitMs > 0
        ? listenAfter(conn, waitMs, this.#clean, Cancel.of(signal))
        : undefined,
      rejected ? this.#readRejected(signal) : undefined,
    ]);
    const failed = after?.reason === undefined ? {} : { outcome: "failure" as const, reason: after.reason };
    return { ...probe, ...failed, addresses, after: after?.facts, tls: tls ?? probe.tls };
  }

  /** Connects to the addresses of the name that the dial left undecided. */
  async #checkAddresses(tried: readonly AddressFacts[], signal: AbortSignal): Promise<readonly AddressFacts[]> {
    const { timeoutMs } = this.#settings;
    const limitMs = Math.min(timeoutMs, maxCheckMs);
    const known = new Set(tried.map(({ address }) => address));
    const others = (await this.#lookups.addresses(limitMs, Cancel.of(signal))).filter(
      ({ address }) => !known.has(address),
    );
    return checkAddresses([...tried, ...others], { limitMs, signal, clean: this.#clean });
  }

  /** Reads the certificates that the dial has rejected. Nothing is sent over this connection. */
  async #readRejected(signal: AbortSignal) {
    const shown: Shown = {};
    try {
      const conn = await this.#route.dialUnverified(this.target.target, {
        signal,
        handshake: this.#handshake(() => shown, true),
      });
      this.#readTls(conn, shown, false);
      conn.on("error", () => {}).destroy();
    } catch {
      // The dial's own failure is reported.
    }
    return shown.tls;
  }

  /** Returns the handshake of the target's protocol; `undefined` for a protocol without one. */
  #handshake(shownOf: () => Shown, unverified: boolean): Handshake<Socket> | undefined {
    const { target } = this;
    const exchange = target.protocol === "nats" ? natsExchange : httpExchange;
    if (target.protocol === "tcp" || target.protocol === "tls") return undefined;
    if (unverified && target.protocol !== "nats") return undefined;
    return (conn, context) => {
      noteSecrets(conn, this.#secrets);
      const shown = shownOf();
      this.#readTls(conn, shown, !unverified);
      const fixed = { target, settings: this.#settings, secrets: this.#secrets, clean: this.#clean };
      return exchange({ conn, context, shown, unverified, ...fixed });
    };
  }

  #readTls(conn: Socket, shown: Shown, verified: boolean): void {
    if ("getPeerCertificate" in conn) shown.tls ??= tlsFacts(conn as TLSSocket, verified, this.#clean);
  }

  readonly #clean = (text: string) => printable(this.#secrets.blankIn(text), maxPeerBytes);
}

/** Returns the record of a dial that an interrupt prevented. */
function notStarted({ target }: CliTarget): DialRecord {
  return {
    target,
    background: false,
    startedAt: Date.now(),
    durationMs: undefined,
    outcome: "canceled",
    reason: undefined,
    message: "",
    attempts: 0,
    phases: [],
    droppedPhases: 0,
  };
}
