import "../support/use-nats-v2.ts";
import "../nats/callbacks.test.ts";
