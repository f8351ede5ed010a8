import "../support/use-nats-v2.ts";
import "../nats/ignored-promises.test.ts";
