import { Algorithms, encodeAccount, encodeOperator, encodeUser, fmtCreds } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";

/** What a nats-server in operator mode, with one account in memory, needs. */
export interface Operator {
  /** For the server's configuration file. */
  readonly config: string;
  /** Makes credentials of a new user; `expiresAt` is in whole seconds since the epoch. */
  creds(expiresAt?: number): Promise<Uint8Array>;
}

/** What is left out is 0, and admits nobody. */
const limits = { conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1, subs: -1, wildcards: true };

export async function natsOperator(): Promise<Operator> {
  const operator = createOperator();
  const account = createAccount();
  const algorithm = Algorithms.v2;
  const operatorJwt = await encodeOperator("O", operator, {}, { algorithm });
  const accountJwt = await encodeAccount("A", account, { limits }, { algorithm, signer: operator });
  return {
    config: [
      `operator: ${operatorJwt}`,
      "resolver: MEMORY",
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    ].join("\n"),
    async creds(expiresAt) {
      const user = createUser();
      const validity = expiresAt === undefined ? {} : { exp: expiresAt };
      return fmtCreds(await encodeUser("U", user, account, {}, { algorithm, ...validity }), user);
    },
  };
}
