import "../support/use-nats-v2.ts";
import "../nats/publish-buffer.test.ts";
