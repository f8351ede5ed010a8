import type { UserFunction } from "../../support/user-functions.ts";

/** Functions that users call, or that the package passes to users; they run no user code. */
export const ofThePackage: readonly RegExp[] = [
  /^(BreakerLayer|Bridge|BridgeServer|Failover|FakeClock|HandshakeContext|Inspector|InspectorServer|ObservedPool|Pool|PolicyContext)\./,
  // The package calls only deposit and withdraw of a budget.
  /^RetryBudget\.(balance|stats)$/,
];

/** The row of each function in the public types; a prefix stands for all names that begin with it. */
const inTheTable: Readonly<Record<string, string>> = {
  "AddressResolver.resolve4": "dnsA: resolver.resolve4",
  "AddressResolver.resolve6": "dnsA: resolver.resolve6",
  BackoffFunction: "withRetry: backoff",
  "BackoffOptions.backoff": "withRetry: backoff",
  "BackoffOptions.random": "withRetry: random",
  "BreakerOptions.breaker": "withBreaker: breaker",
  "BreakerOptions.countsAsFailure": "withBreaker: countsAsFailure",
  BreakerRule: "withBreaker: breaker",
  "BreakerStrategy.failure": "withBreaker: breaker().failure",
  "BreakerStrategy.success": "withBreaker: breaker().success",
  BridgeErrorListener: "bridge: onError",
  "BridgeOptions.dialer": "bridge: dialer",
  "BridgeOptions.onError": "bridge: onError",
  "CallOptions.backoff": "dial: backoff",
  "CallOptions.shouldRetry": "dial: shouldRetry",
  "Clock.clearTimeout": "dial: clock.clearTimeout",
  "Clock.now": "dial: clock.now",
  "Clock.setTimeout": "dial: clock.setTimeout",
  "DialOptions.handshake": "dial: handshake",
  Dialer: "compose: base dialer",
  Discover: "withFailover: discover",
  "Discovery.watch": "withFailover: discover.watch",
  "DnsSrvOptions.random": "dnsSrv: random",
  "FailoverOptions.discover": "withFailover: discover",
  "FailoverOptions.policy": "withFailover: policy",
  "FailoverOptions.random": "withFailover: random",
  FailoverPolicy: "withFailover: policy",
  "FaultsOptions.only": "withFaults: only",
  Handshake: "dial: handshake",
  "Logger.info": "withLog: logger.info",
  "Logger.warn": "withLog: logger.warn",
  Lookup: "tcp: lookup",
  Middleware: "compose: middleware",
  Observer: "withTrace: observer",
  PolicyFunction: "withFailover: policy",
  PoolObserver: "pool: trace",
  "PoolOptions.dialer": "pool: dialer",
  "PoolOptions.random": "pool: random",
  "PoolOptions.trace": "pool: trace",
  "PoolOptions.validate": "pool: validate",
  PoolTraceLike: "pool: trace",
  "PrometheusOptions.exemplars": "withPrometheus: exemplars",
  "ProxyServerOptions.allowTarget": "proxyServer: allowTarget",
  "ProxyServerOptions.dialer": "proxyServer: dialer",
  "ProxyServerOptions.onError": "proxyServer: onError",
  "RetryBudget.deposit": "withRetry: budget.deposit",
  "RetryBudget.withdraw": "withRetry: budget.withdraw",
  "RetryOptions.shouldRetry": "withRetry: shouldRetry",
  RetryPredicate: "withRetry: shouldRetry",
  SocketDialer: "tls: over",
  "SocksProxyOptions.lookup": "socksProxy: lookup",
  "SrvResolver.resolveSrv": "dnsSrv: resolver.resolveSrv",
  Step: "scriptedDialer: a step's function",
  "TcpOptions.lookup": "tcp: lookup",
  "TlsDialerOptions.checkServerIdentity": "tls: checkServerIdentity",
  "WaitOptions.halfOpenAfterMs": "withBreaker: halfOpenAfterMs",
  "WaitOptions.random": "withBreaker: random",
  "Withdrawal.refund": "withRetry: budget.withdraw().refund",
};

/** Names of the rows that a public function must have. */
export function rowsOf(name: string): readonly string[] {
  const [type, hook] = name.split(".");
  if (type === "DialTrace") return [`withTrace: ${hook}`, `dial: trace: ${hook}`];
  if (type === "PoolTrace") return [`pool: trace.${hook}`];
  return [inTheTable[name] ?? `a row for ${name}`];
}

/** Public functions whose row is missing. */
export function withoutRow(names: readonly string[], functions: readonly UserFunction[]): readonly string[] {
  const rows = new Set(functions.map(({ name }) => name));
  const given = names.filter((name) => !ofThePackage.some((pattern) => pattern.test(name)));
  return given.filter((name) => !rowsOf(name).every((row) => rows.has(row)));
}
