import "../support/use-nats-v2.ts";
import "../nats/pinned-transport.test.ts";
