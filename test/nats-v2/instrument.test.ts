import "../support/use-nats-v2.ts";
import "../nats/instrument.test.ts";
