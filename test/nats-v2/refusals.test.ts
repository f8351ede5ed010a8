import "../support/use-nats-v2.ts";
import "../nats/refusals.test.ts";
