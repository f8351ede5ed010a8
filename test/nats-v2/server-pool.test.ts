import "../support/use-nats-v2.ts";
import "../nats/server-pool.test.ts";
