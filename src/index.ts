export type { BackoffFunction, BackoffOptions, Jitter } from "./async/backoff.ts";
export type { Clock } from "./async/clock.ts";
export { classify } from "./core/classify.ts";
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
export type {
  Address,
  BreakerState,
  CloseReason,
  Ended,
  ExhaustedCause,
  Limit,
  Outcome,
  ProtocolInfo,
} from "./core/event-values.ts";
export { type Reason, reasons } from "./core/reasons.ts";
export { parseTarget, Target, type TargetLike } from "./core/target.ts";
export type {
  AttemptDoneInfo,
  AttemptStartInfo,
  BreakerChangeInfo,
  ConnClosedInfo,
  ConnectDoneInfo,
  ConnectStartInfo,
  DialDoneInfo,
  DialEventInfo,
  DialEventName,
  DialStartInfo,
  DialTrace,
  DnsDoneInfo,
  DnsStartInfo,
  FailoverInfo,
  GotConnInfo,
  HandshakeDoneInfo,
  HandshakeEventInfo,
  HandshakeStartInfo,
  LimitWaitInfo,
  Observer,
  ProxyDoneInfo,
  ProxyStartInfo,
  PutIdleConnInfo,
  RetryExhaustedInfo,
  RetryScheduledInfo,
  StartDelayedInfo,
  TimeoutInfo,
  TlsHandshakeDoneInfo,
  TlsHandshakeStartInfo,
} from "./core/trace.ts";
export { type HttpProxyOptions, httpProxy } from "./dialers/http-proxy.ts";
export { type ProxyFromEnvironmentOptions, proxyFromEnvironment } from "./dialers/proxy-from-environment.ts";
export type { ProxyAuth } from "./dialers/proxy-url.ts";
export type { Lookup } from "./dialers/resolve.ts";
export { type SocksProxyOptions, socksProxy } from "./dialers/socks-proxy.ts";
export { type TcpOptions, tcp } from "./dialers/tcp.ts";
export { tls } from "./dialers/tls.ts";
export type { TlsDialerOptions } from "./dialers/tls-options.ts";
export type { SocketDialer } from "./dialers/tunnel.ts";
export { compose } from "./engine/compose.ts";
export { type AddressResolver, type DnsAOptions, dnsA } from "./failover/discovery/dns-a.ts";
export { type DnsSrvOptions, dnsSrv, type SrvResolver } from "./failover/discovery/dns-srv.ts";
export type {
  Discover,
  Discovery,
  DiscoveryContext,
  TargetList,
  TargetSource,
  WeightedTarget,
} from "./failover/discovery/source.ts";
export { NoTargetError } from "./failover/no-target-error.ts";
export type { PolicyContext, PolicyFunction } from "./failover/picker.ts";
export type { FailoverPolicy } from "./failover/policy.ts";
export type { Candidate, TargetStatus } from "./failover/target-status.ts";
export { type Failover, type FailoverOptions, withFailover } from "./failover/with-failover.ts";
export type { LazySocketMode } from "./lazy-socket/deferred-socket.ts";
export { lazySocket, lazySocketMode } from "./lazy-socket/lazy-socket.ts";
export type { LazySocketOptions } from "./lazy-socket/options.ts";
export { type ConcurrencyLimitOptions, withConcurrencyLimit } from "./middleware/concurrency-limit.ts";
export {
  type DiagnosticsChannelOptions,
  type DiagnosticsMessage,
  withDiagnosticsChannel,
} from "./middleware/diagnostics-channel.ts";
export { type Logger, type LogOptions, withLog } from "./middleware/log.ts";
export { type RateLimitOptions, withRateLimit } from "./middleware/rate-limit.ts";
export { type TimeoutOptions, withTimeout } from "./middleware/timeout.ts";
export { withTrace } from "./middleware/trace.ts";
export { PoolClosedError, PoolFullError, PoolTimeoutError } from "./pool/errors.ts";
export type { Lease } from "./pool/lease.ts";
export type { PoolOptions } from "./pool/options.ts";
export { type AcquireOptions, type Pool, pool } from "./pool/pool.ts";
export type * from "./pool/pool-trace.ts";
export { type DialRecord, type Phase, type PhaseRecord, recordDials } from "./record/dial-record.ts";
export { type WaterfallOptions, waterfall } from "./record/waterfall.ts";
export {
  type RetryBudget,
  type RetryBudgetOptions,
  type RetryBudgetStats,
  retryBudget,
  type Withdrawal,
} from "./retry/retry-budget.ts";
export { type RetryOptions, withRetry } from "./retry/with-retry.ts";
