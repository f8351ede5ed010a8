import "../support/use-nats-v2.ts";
import "../nats/reconnect.test.ts";
