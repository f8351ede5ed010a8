import "../support/use-nats-v2.ts";
import "../nats/greeting.test.ts";
