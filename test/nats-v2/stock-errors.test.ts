import "../support/use-nats-v2.ts";
import "../nats/stock-errors.test.ts";
