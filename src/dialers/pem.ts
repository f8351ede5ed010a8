import { lazyModules } from "../support/lazy-modules.ts";

/** What a PEM file is read for. */
export type PemKind = "certificate" | "private key";

/** Labels of the blocks that hold it, as OpenSSL takes them (RFC 7468, sections 5 and 10, and older ones). */
const labels: Readonly<Record<PemKind, RegExp>> = {
  certificate: /^(?:X509 |TRUSTED )?CERTIFICATE$/,
  "private key": /PRIVATE KEY$/,
};

/** PEM that can't be used. Its message is the end of a sentence about the file. */
export class PemError extends Error {
  /** Whether the file may be half written: it is empty, or ends inside a block. */
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
 * Checks a file before OpenSSL reads it, which stops without an error at the first certificate that it can't
 * read, and takes a file without any. Text outside of blocks is a comment (RFC 7468, section 2).
 *
 * @throws PemError unless every block is complete, and at least one is of this kind; a certificate must
 * be readable, too.
 */
export function checkPem(content: Buffer, kind: PemKind): void {
  // One character for each byte: DER must not become something else.
  const text = content.toString("latin1");
  if (text.trim() === "") throw new PemError("is empty", true);
  const blocks = blocksOf(text);
  const wanted = blocks.filter(({ label }) => labels[kind].test(label));
  if (wanted.length === 0) throw new PemError(`holds no ${kind}${insteadOf(content, blocks)}`);
  if (kind !== "certificate") return;
  for (const [index, block] of wanted.entries()) {
    try {
      new lazyModules.crypto.X509Certificate(block.text);
    } catch (cause) {
      const error = new PemError(`holds a certificate, number ${index + 1}, that can't be read`);
      throw Object.assign(error, { cause });
    }
  }
}

function insteadOf(content: Buffer, blocks: readonly Block[]): string {
  const [first] = blocks;
  if (first !== undefined) return `, but ${first.label.toLowerCase().slice(0, 64)}`;
  // An ASN.1 sequence of more than 127 bytes: a certificate, a key or PKCS #12.
  return content[0] === 0x30 && content.length > 1 && (content[1] as number) > 0x80
    ? " in PEM: it seems to be DER, which openssl converts"
    : " in PEM";
}

/** All blocks, in order. */
function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  // OpenSSL skips a byte order mark, in UTF-8, and blanks at the end of lines.
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

/** Whether a line without its end may become the first of a block. */
function isStartOfBegin(line: string): boolean {
  const begin = "-----BEGIN ";
  return line !== "" && (begin.startsWith(line) || line.startsWith(begin));
}

function unfinished(before: readonly Block[]): PemError {
  return new PemError(`ends inside its PEM block number ${before.length + 1}: it may be half written`, true);
}

function damaged(before: readonly Block[]): PemError {
  return new PemError(
    `has a damaged PEM block, number ${before.length + 1}: each must begin and end with a line of its own`,
  );
}
