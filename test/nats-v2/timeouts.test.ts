import "../support/use-nats-v2.ts";
import "../nats/timeouts.test.ts";
