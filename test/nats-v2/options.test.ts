import "../support/use-nats-v2.ts";
import "../nats/options.test.ts";
