import "../support/use-nats-v2.ts";
import "../nats/leaks.test.ts";
