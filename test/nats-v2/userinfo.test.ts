import "../support/use-nats-v2.ts";
import "../nats/userinfo.test.ts";
