import "../support/use-nats-v2.ts";
import "../nats/state-of.test.ts";
