import "../support/use-nats-v2.ts";
import "../nats/background.test.ts";
