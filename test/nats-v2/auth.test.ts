import "../support/use-nats-v2.ts";
import "../nats/auth.test.ts";
