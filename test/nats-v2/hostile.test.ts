import "../support/use-nats-v2.ts";
import "../nats/hostile.test.ts";
