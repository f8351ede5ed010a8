import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
} from "@nats-io/jwt";

/** A user with a signing key. */
export interface NkeyUser {
  readonly publicKey: string;
  /** The private key, in the format of a seed file. */
  readonly seed: string;
}

export function nkeyUser(): NkeyUser {
  const keys = createUser();
  return { publicKey: keys.getPublicKey(), seed: new TextDecoder().decode(keys.getSeed()) };
}

export interface CredsOptions {
  /** Seconds until the credentials expire; negative if they have expired. @defaultValue they never expire */
  readonly expiresInSeconds?: number;
}

/** Credentials that expire during the test, but not before a first connect on a busy machine. */
export const expiresSoon: CredsOptions = { expiresInSeconds: 4 };

/** An operator with one account that signs its users. */
export interface OperatorMode {
  /** The configuration with which a server trusts the operator. */
  readonly config: string;
  /** Signs a new user and returns the text of the `.creds` file. */
  creds(options?: CredsOptions): Promise<string>;
}

/** @param connections - how many connections the account may have. */
export async function operatorMode({ connections = -1 }: { connections?: number } = {}): Promise<OperatorMode> {
  const [operator, account] = [createOperator(), createAccount()];
  const operatorJwt = await encodeOperator("dialtrace", operator);
  const limits = { conn: connections, subs: -1, data: -1, payload: -1, imports: -1, exports: -1, leaf: -1 };
  const accountJwt = await encodeAccount(
    "orders",
    account,
    { limits: { ...limits, wildcards: true } },
    { signer: operator },
  );
  return {
    config: `
operator: ${operatorJwt}
resolver: MEMORY
resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }
`,
    async creds({ expiresInSeconds } = {}) {
      const user = createUser();
      const exp = expiresInSeconds === undefined ? {} : { exp: Math.ceil(Date.now() / 1000) + expiresInSeconds };
      return new TextDecoder().decode(fmtCreds(await encodeUser("worker", user, account, {}, exp), user));
    },
  };
}

/** Configuration with the user `worker`, password `work`, which may not publish or subscribe to `secret.>`. */
export const deniedConfig = `
authorization {
  users: [ { user: worker, password: work, permissions: {
    publish: { deny: "secret.>" }, subscribe: { deny: "secret.>" }
  } } ]
}
`;
