import "../support/use-nats-v2.ts";
import "../nats/connect.test.ts";
