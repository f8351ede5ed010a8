import "../support/use-nats-v2.ts";
import "../nats/cluster.test.ts";
