import type { Dialer } from "../core/dialer.ts";
import type { CredentialValidities } from "./credential-validity.ts";
import type { FileCredentials } from "./credentials.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { PublishBuffer } from "./publish-buffer.ts";
import type { ReconnectDelay } from "./reconnect-delay.ts";
import type { ConfiguredServer } from "./servers.ts";

/** The parts of a client besides the library's options. */
export interface ClientParts {
  readonly dialer: Dialer;
  readonly lifecycle: Lifecycle;
  readonly buffer: PublishBuffer;
  readonly credentials: FileCredentials | undefined;
  readonly validities: CredentialValidities;
  /** Delay before each attempt except the very first. */
  readonly delay: ReconnectDelay;
  readonly servers: readonly ConfiguredServer[];
}
