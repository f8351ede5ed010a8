import "../support/use-nats-v2.ts";
import "../nats/tls.test.ts";
