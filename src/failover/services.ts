import type { Clock } from "../async/clock.ts";
import type { Target } from "../core/target.ts";
import { asMistake } from "../support/returned.ts";
import { invalid, show } from "../support/validate.ts";
import { type Discover, parseList, type TargetList, type TargetSource } from "./discovery/source.ts";
import { Watcher } from "./discovery/watcher.ts";
import { type FailoverPolicy, pickerOf } from "./policy.ts";
import { Service } from "./service.ts";
import { type EjectionSettings, TargetSet } from "./target-set.ts";
import type { TargetStatus } from "./target-status.ts";

/** Settings of {@link Services}. */
export interface ServicesSettings extends EjectionSettings {
  readonly targets: TargetList | undefined;
  readonly discover: Discover | undefined;
  readonly policy: FailoverPolicy;
  readonly decayMs: number;
  /** Returns the clock of the last dial: it is unknown before the first. */
  readonly clock: () => Clock;
}

/** The services of one layer: one for all dialed targets, or one each when `discover` is a function of the target. */
export class Services {
  readonly #settings: ServicesSettings;
  readonly #only: Service | undefined;
  readonly #byName = new Map<string, Service>();
  #closed = false;

  constructor(settings: ServicesSettings) {
    this.#settings = settings;
    const { targets, discover } = settings;
    if (targets !== undefined) this.#only = this.#listed(targets);
    else if (typeof discover !== "function") this.#only = this.#discovered(() => discover as TargetSource);
  }

  of(target: Target): Service {
    if (this.#only !== undefined) return this.#only;
    const name = target.toString();
    let service = this.#byName.get(name);
    if (service === undefined) {
      const { discover } = this.#settings;
      service = this.#discovered(() => (discover as Exclude<Discover, TargetSource>)(target));
      this.#byName.set(name, service);
      if (this.#closed) service.close();
    }
    return service;
  }

  all(): readonly Service[] {
    return this.#only === undefined ? [...this.#byName.values()] : [this.#only];
  }

  /** Records that a target works or failed, in every list that contains it. */
  mark(key: string, works: boolean, now: number): void {
    for (const { targetSet } of this.all()) {
      const endpoint = targetSet.find(key);
      if (endpoint === undefined) continue;
      if (works) targetSet.succeeded(endpoint, now, true);
      else targetSet.failed(endpoint, now, true);
    }
  }

  statuses(now: number): readonly TargetStatus[] {
    return this.all().flatMap(({ targetSet }) => targetSet.statuses(now));
  }

  close(): void {
    this.#closed = true;
    for (const service of this.all()) service.close();
  }

  #listed(targets: TargetList): Service {
    const list = parseList("withFailover: targets", targets);
    if (list.length === 0) throw invalid(RangeError, "withFailover: targets must name at least one target");
    const targetSet = this.#newTargetSet();
    targetSet.setList(list, 0);
    return new Service(targetSet, pickerOf(this.#settings.policy));
  }

  #discovered(source: () => TargetSource | Promise<TargetSource>): Service {
    const { policy, clock } = this.#settings;
    const targetSet = this.#newTargetSet();
    const take = (list: TargetList) => targetSet.setList(parseList("withFailover: discover", list), clock().now());
    return new Service(targetSet, pickerOf(policy), new Watcher(async () => checkSource(await source()), take));
  }

  #newTargetSet(): TargetSet {
    return new TargetSet(this.#settings, this.#settings.decayMs);
  }
}

/** Throws a `TypeError` unless `source` is a {@link TargetSource}. */
export function checkSource(source: unknown): TargetSource {
  const given = source as Partial<Record<"watch" | typeof Symbol.asyncIterator, unknown>> | undefined | null;
  if (typeof given?.watch !== "function" && typeof given?.[Symbol.asyncIterator] !== "function") {
    throw asMistake(
      new TypeError(
        `withFailover: discover must be a discovery such as dnsSrv(), an async iterable, or a function that returns one of these, got ${show(source)}`,
      ),
    );
  }
  return source as TargetSource;
}
