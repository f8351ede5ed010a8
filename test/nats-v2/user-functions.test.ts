import "../support/use-nats-v2.ts";
import "../nats/user-functions.test.ts";
