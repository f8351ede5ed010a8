import "../support/use-nats-v2.ts";
import "../nats/lifecycle.test.ts";
