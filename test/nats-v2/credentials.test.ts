import "../support/use-nats-v2.ts";
import "../nats/credentials.test.ts";
