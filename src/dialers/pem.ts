import { lazyModules } from "../support/lazy-modules.ts";

/** What a PEM file must contain. */
export type PemKind = "certificate" | "private key";

/** Labels of the PEM blocks that OpenSSL accepts (RFC 7468, sections 5 and 10, and older ones). */
const labels: Readonly<Record<PemKind, RegExp>> = {
  certificate: /^(?:X509 |TRUSTED )?CERTIFICATE$/,
  "private key": /PRIVATE KEY$/,
};

/** PEM content that cannot be used. The message continues a sentence that begins with the file's name. */
export class PemError extends Error {
  /** Whether the file may still be being written: it is empty or ends inside a block. */
  readonly unfinished: boolean;

  constructor(message: string, unfinished = false) {
    super(message);
    this.unfinished = unfinished;
  }
}

interface Block {
  readonly label: string;
  readonly text: string;
}

/**
 * Checks the content of a PEM file. OpenSSL does not: it stops without an error at the first certificate that it cannot
 * parse, and accepts a file without certificates. Text outside of blocks is a comment (RFC 7468, section 2).
 *
 * @throws PemError unless all blocks are complete, at least one block is of this kind, and all certificates can be
 * parsed.
 */
export function checkPem(content: Buffer, kind: PemKind): void {
  // latin1 maps each byte to one character, so binary content survives.
  const text = content.toString("latin1");
  if (text.trim() === "") throw new PemError("is empty", true);
  const blocks = blocksOf(text);
  const wanted = blocks.filter(({ label }) => labels[kind].test(label));
  if (wanted.length === 0) throw new PemError(`contains no ${kind}${insteadOf(content, blocks)}`);
  if (kind !== "certificate") return;
  for (const [index, block] of wanted.entries()) {
    try {
      new lazyModules.crypto.X509Certificate(block.text);
    } catch (cause) {
      const error = new PemError(`contains a certificate that cannot be parsed, number ${index + 1}`);
      throw Object.assign(error, { cause });
    }
  }
}

/** Says what the file contains instead. */
function insteadOf(content: Buffer, blocks: readonly Block[]): string {
  const [first] = blocks;
  if (first !== undefined) return `, but ${first.label.toLowerCase().slice(0, 64)}`;
  // The start of an ASN.1 sequence of more than 127 bytes: a certificate, a key or PKCS #12.
  return content[0] === 0x30 && content.length > 1 && (content[1] as number) > 0x80
    ? " in PEM format; it seems to be DER, convert it with openssl"
    : " in PEM format";
}

/** Parses all blocks, in order. */
function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  // Like OpenSSL, skips a UTF-8 byte order mark and trailing white space.
  const lines = text.replace(/^\xef\xbb\xbf/, "").split("\n");
  const last = lines.length - 1;
  let open: { readonly label: string; readonly start: number } | undefined;
  for (const [index, line] of lines.entries()) {
    const marker = line.trimEnd();
    if (open === undefined) {
      const label = /^-----BEGIN ([ -~]*)-----$/.exec(marker)?.[1];
      if (label !== undefined) open = { label, start: index };
      else if (index === last && isStartOfBegin(marker)) throw unfinished(blocks);
      else if (/^\s*-----(?:BEGIN|END) /.test(marker)) throw damaged(blocks);
    } else if (marker === `-----END ${open.label}-----`) {
      blocks.push({ label: open.label, text: lines.slice(open.start, index + 1).join("\n") });
      open = undefined;
    } else if (index < last && marker.includes("-----")) {
      throw damaged(blocks);
    }
  }
  if (open !== undefined) throw unfinished(blocks);
  return blocks;
}

/** Whether an incomplete line may be the start of a BEGIN line. */
function isStartOfBegin(line: string): boolean {
  const begin = "-----BEGIN ";
  return line !== "" && (begin.startsWith(line) || line.startsWith(begin));
}

function unfinished(before: readonly Block[]): PemError {
  return new PemError(`ends inside PEM block number ${before.length + 1}; it may still be being written`, true);
}

function damaged(before: readonly Block[]): PemError {
  return new PemError(
    `has a damaged PEM block, number ${before.length + 1}: its first and last lines must be complete`,
  );
}
