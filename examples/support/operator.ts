import { Algorithms, encodeAccount, encodeOperator, encodeUser, fmtCreds } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";

/** An operator with one account, as the `nsc` tool creates it. */
export interface Operator {
  /** The configuration of a server that trusts the operator. */
  readonly config: string;
  /** Returns the creds file of a new user. `expiresAt` is in seconds since the epoch. */
  creds(expiresAt?: number): Promise<Uint8Array>;
}

/** Limits of the account. A limit that is left out is 0. */
const limits = { conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1, subs: -1, wildcards: true };

export async function newOperator(): Promise<Operator> {
  const algorithm = Algorithms.v2;
  const operator = createOperator();
  const account = createAccount();
  const operatorJwt = await encodeOperator("operator", operator, {}, { algorithm });
  const accountJwt = await encodeAccount("account", account, { limits }, { algorithm, signer: operator });
  return {
    config: [
      `operator: ${operatorJwt}`,
      "resolver: MEMORY",
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    ].join("\n"),
    async creds(expiresAt) {
      const user = createUser();
      const validity = expiresAt === undefined ? {} : { exp: expiresAt };
      return fmtCreds(await encodeUser("user", user, account, {}, { algorithm, ...validity }), user);
    },
  };
}
