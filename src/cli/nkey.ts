import { lazyModules } from "../support/lazy-modules.ts";

/** Signs a server's nonce: the user's public key, and the signature in base64url. */
export type Sign = (nonce: string) => { readonly nkey: string; readonly sig: string };

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** The prefix byte of a user's public key: `U` in base32. */
const userPrefix = 20 << 3;
/** PKCS #8 of an Ed25519 private key without its 32 bytes (RFC 8410, section 7). */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Returns the signer of a user's nkey seed. It uses the Ed25519 of `node:crypto`, so that the command needs no NATS client.
 *
 * @returns `undefined` if the checksum of the seed is wrong.
 * @see https://github.com/nats-io/nkeys
 */
export function nkeySigner(seed: string): Sign | undefined {
  const bytes = fromBase32(seed);
  // Two bytes of prefix, 32 of the key, two of the checksum.
  if (bytes.length !== 36 || bytes.readUInt16LE(34) !== crc16(bytes.subarray(0, 34))) return undefined;
  const { createPrivateKey, createPublicKey, sign } = lazyModules.crypto;
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Head, bytes.subarray(2, 34)]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  const nkey = publicText(publicKey);
  return (nonce) => ({ nkey, sig: sign(null, Buffer.from(nonce), key).toString("base64url") });
}

function publicText(publicKey: Buffer): string {
  const prefixed = Buffer.concat([Buffer.from([userPrefix]), publicKey]);
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc16(prefixed));
  return toBase32(Buffer.concat([prefixed, checksum]));
}

/** CRC-16/XMODEM. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let [bits, count] = [0, 0];
  for (const character of text) {
    bits = ((bits << 5) | alphabet.indexOf(character)) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return Buffer.from(bytes);
}

function toBase32(bytes: Buffer): string {
  let text = "";
  let [bits, count] = [0, 0];
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    count += 8;
    while (count >= 5) {
      count -= 5;
      text += alphabet[(bits >> count) & 31];
    }
  }
  return count === 0 ? text : text + alphabet[(bits << (5 - count)) & 31];
}
