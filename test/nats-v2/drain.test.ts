import "../support/use-nats-v2.ts";
import "../nats/drain.test.ts";
