import "../support/use-nats-v2.ts";
import "../nats/discovered-servers.test.ts";
