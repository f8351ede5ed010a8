export type { BackoffFunction, BackoffOptions, Jitter } from "./core/backoff.ts";
export { classify } from "./core/classify.ts";
export type { Clock } from "./core/clock.ts";
export { compose } from "./core/compose.ts";
export { type DialRecord, type Phase, type PhaseRecord, recordDials } from "./core/dial-record.ts";
export type {
  CallOptions,
  Dialer,
  DialOptions,
  Handshake,
  HandshakeContext,
  Middleware,
  RetryPredicate,
} from "./core/dialer.ts";
export {
  type AttemptRecord,
  DialError,
  DialTimeoutError,
  type TargetFailure,
  type TimeoutScope,
} from "./core/errors.ts";
export type * from "./core/pool-trace.ts";
export { type Reason, reasons } from "./core/reasons.ts";
export {
  type RetryBudget,
  type RetryBudgetOptions,
  type RetryBudgetStats,
  retryBudget,
  type Withdrawal,
} from "./core/retry-budget.ts";
export { parseTarget, Target, type TargetLike } from "./core/target.ts";
export type * from "./core/trace.ts";
export { type WaterfallOptions, waterfall } from "./core/waterfall.ts";
export { type HttpProxyOptions, httpProxy } from "./dialers/http-proxy.ts";
export { type ProxyFromEnvironmentOptions, proxyFromEnvironment } from "./dialers/proxy-from-environment.ts";
export type { ProxyAuth } from "./dialers/proxy-url.ts";
export type { Lookup } from "./dialers/resolve.ts";
export { type SocksProxyOptions, socksProxy } from "./dialers/socks-proxy.ts";
export { type TcpOptions, tcp } from "./dialers/tcp.ts";
export { type TlsDialerOptions, tls } from "./dialers/tls.ts";
export type { SocketDialer } from "./dialers/tunnel.ts";
export { type ConcurrencyLimitOptions, withConcurrencyLimit } from "./middleware/concurrency-limit.ts";
export {
  type DiagnosticsChannelOptions,
  type DiagnosticsMessage,
  withDiagnosticsChannel,
} from "./middleware/diagnostics-channel.ts";
export { type Failover, type FailoverOptions, withFailover } from "./middleware/failover.ts";
export { type Logger, type LogOptions, withLog } from "./middleware/log.ts";
export { type RateLimitOptions, withRateLimit } from "./middleware/rate-limit.ts";
export { type RetryOptions, withRetry } from "./middleware/retry.ts";
export { type TimeoutOptions, withTimeout } from "./middleware/timeout.ts";
export { withTrace } from "./middleware/trace.ts";
export { PoolClosedError, PoolFullError, PoolTimeoutError } from "./pool/errors.ts";
export type { Lease } from "./pool/lease.ts";
export type { PoolOptions } from "./pool/options.ts";
export { type AcquireOptions, type Pool, pool } from "./pool/pool.ts";
export { type AddressResolver, type DnsAOptions, dnsA } from "./selector/dns-a.ts";
export { type DnsSrvOptions, dnsSrv, type SrvResolver } from "./selector/dns-srv.ts";
export type { Candidate, TargetStatus } from "./selector/endpoint.ts";
export { NoTargetError } from "./selector/no-target-error.ts";
export type { PolicyContext, PolicyFunction } from "./selector/pick.ts";
export type { FailoverPolicy } from "./selector/policy.ts";
export type { Discover } from "./selector/services.ts";
export type { Discovery, DiscoveryContext, TargetList, TargetSource, WeightedTarget } from "./selector/source.ts";
