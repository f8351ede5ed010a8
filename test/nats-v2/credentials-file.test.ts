import "../support/use-nats-v2.ts";
import "../nats/credentials-file.test.ts";
