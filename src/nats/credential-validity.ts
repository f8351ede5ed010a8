import { X509Certificate } from "node:crypto";
import type { CredentialValidity } from "../client/client-trace.ts";
import type { FileCredentials } from "./credentials.ts";

/** Dates of a certificate, as Node reports them. */
interface CertificateDates {
  readonly valid_from: string;
  readonly valid_to: string;
}

/** Credentials of a CONNECT line. */
export interface ConnectCredentials {
  readonly jwt?: unknown;
  readonly auth_token?: unknown;
  readonly pass?: unknown;
}

/** Returns the current content of the file of the client's certificate; `undefined` without such a file. */
type CertificateFile = () => Promise<string | Buffer | undefined>;

/**
 * When the credentials of one client expire: those that it sent last, or those that its files contain now. Tokens and
 * passwords count if they are JWTs, as servers with an auth callout use them.
 */
export class CredentialValidities {
  readonly #file: FileCredentials | undefined;
  readonly #certificateFile: CertificateFile;
  /** Version of {@link FileCredentials} that the JWT is from. */
  #version: number | undefined;
  #reading = false;
  #jwt: CredentialValidity | undefined;
  #others: readonly CredentialValidity[] = [];
  #certificate: CredentialValidity | undefined;

  constructor(file: FileCredentials | undefined, certificateFile: CertificateFile) {
    this.#file = file;
    this.#certificateFile = certificateFile;
  }

  /** Credentials without an expiry are missing. */
  get all(): readonly CredentialValidity[] {
    return [this.#jwt, ...this.#others, this.#certificate].filter((each) => each !== undefined);
  }

  /** Records the credentials that are sent to a server, and the certificate that was shown to it, if any. */
  sent({ jwt, auth_token, pass }: ConnectCredentials, certificate: Partial<CertificateDates> | undefined): void {
    this.#version = this.#file?.version;
    this.#jwt = jwtValidity(jwt);
    this.#others = [auth_token, pass].map(jwtValidity).filter((each) => each !== undefined);
    this.#certificate = certificateValidity(certificate);
  }

  /**
   * Reads the files of credentials again, so that rotated credentials count before they are sent. Their dates are known
   * some milliseconds later. Files that cannot be read leave the dates unchanged.
   */
  refresh(): void {
    if (this.#reading) return;
    this.#reading = true;
    void Promise.allSettled([this.#readJwt(), this.#readCertificate()]).then(() => {
      this.#reading = false;
    });
  }

  async #readJwt(): Promise<void> {
    const file = this.#file;
    // Nothing has been sent yet, or there is no file.
    if (file === undefined || this.#version === undefined) return;
    await file.refresh();
    if (file.version === this.#version) return;
    this.#version = file.version;
    this.#jwt = jwtValidity((file.authenticator("nonce") as { jwt?: string } | undefined)?.jwt);
  }

  async #readCertificate(): Promise<void> {
    if (this.#certificate === undefined) return;
    const pem = await this.#certificateFile();
    if (pem === undefined) return;
    const { validFrom, validTo } = new X509Certificate(pem);
    this.#certificate = certificateValidity({ valid_from: validFrom, valid_to: validTo });
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc7519#section-4.1 */
function jwtValidity(token: unknown): CredentialValidity | undefined {
  if (typeof token !== "string") return undefined;
  const [, payload = "", signature] = token.split(".");
  if (signature === undefined) return undefined;
  try {
    const { exp, iat } = (JSON.parse(Buffer.from(payload, "base64url").toString()) ?? {}) as Record<string, unknown>;
    // Without `exp`, or with 0 as some issuers write it, it never expires.
    if (!isSeconds(exp)) return undefined;
    return { kind: "jwt", issuedAt: isSeconds(iat) ? iat * 1000 : Date.now(), expiresAt: exp * 1000 };
  } catch {
    return undefined; // Not a JWT.
  }
}

function isSeconds(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

function certificateValidity(certificate: Partial<CertificateDates> | undefined): CredentialValidity | undefined {
  const issuedAt = Date.parse(certificate?.valid_from ?? "");
  const expiresAt = Date.parse(certificate?.valid_to ?? "");
  if (Number.isNaN(issuedAt) || Number.isNaN(expiresAt)) return undefined;
  return { kind: "certificate", issuedAt, expiresAt };
}
