import type { CredentialValidity } from "../client/client-trace.ts";
import { credentialKinds } from "./client-instruments.ts";
import { byEachValue, type Sink } from "./sink.ts";

/** Distinguishes clients that share their series. */
let clients = 0;

/** Shows the credentials of one client in series that it may share with other clients. */
export interface CredentialReader {
  /** Shows credentials in place of those shown before. */
  show(credentials: readonly CredentialValidity[]): void;
}

/** Returns a function that creates the reader of one client. The series show the earliest dates of all clients. */
export function credentialMetrics(sink: Sink): () => CredentialReader {
  const gauges = byEachValue(credentialKinds, (kind) => {
    const labels = { "nats.client.credentials.kind": kind };
    return {
      expiry: sink.earliest("clientCredentialsExpiry", labels),
      issue: sink.earliest("clientCredentialsIssue", labels),
    };
  });
  return () => {
    clients += 1;
    const client = String(clients);
    return {
      show(credentials) {
        for (const kind of credentialKinds) {
          const { expiry, issue } = gauges(kind);
          const first = earliest(credentials.filter((each) => each.kind === kind));
          if (first === undefined) {
            expiry.delete(client);
            issue.delete(client);
          } else {
            expiry.set(client, first.expiresAt / 1000);
            issue.set(client, first.issuedAt / 1000);
          }
        }
      },
    };
  };
}

function earliest(credentials: readonly CredentialValidity[]): CredentialValidity | undefined {
  return credentials.reduce<CredentialValidity | undefined>(
    (first, each) => (first !== undefined && first.expiresAt <= each.expiresAt ? first : each),
    undefined,
  );
}
