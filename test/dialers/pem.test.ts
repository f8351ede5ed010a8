import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { checkPem, PemError, type PemKind } from "../../src/dialers/pem.ts";
import { authority } from "../support/certificates.ts";

const ca = authority("first");
const { cert: second, key } = authority("second").issue({ name: "db.test" });
const first = ca.cert;
const der = new X509Certificate(first).raw;
const openssl = (args: readonly string[], input: string) => execFileSync("openssl", args, { input, encoding: "utf8" });

const good: readonly (readonly [string, PemKind, string])[] = [
  ["one certificate", "certificate", first],
  ["two certificates", "certificate", first + second],
  ["a certificate without a final line feed", "certificate", first.trimEnd()],
  ["CRLF line ends", "certificate", (first + second).replaceAll("\n", "\r\n")],
  ["a byte order mark", "certificate", `\ufeff${first}`],
  [
    "comments before, between and after blocks",
    "certificate",
    `My CA\n\n${first}# ü -- next\n--\n${second}\nthe end\n`,
  ],
  ["the output of openssl x509 -text", "certificate", openssl(["x509", "-text"], first)],
  ["trailing blanks", "certificate", first.replaceAll("\n", "  \n")],
  ["a TRUSTED CERTIFICATE", "certificate", openssl(["x509", "-trustout"], first)],
  ["an X509 CERTIFICATE", "certificate", first.replaceAll(" CERT", " X509 CERT")],
  ["a certificate and its key", "certificate", second + key],
  ["a key and its certificate", "certificate", key + second],
  ["a certificate and its key", "private key", second + key],
  ["a key", "private key", key],
  ["a key with CRLF line ends", "private key", key.replaceAll("\n", "\r\n")],
  ["EC PARAMETERS before a key", "private key", openssl(["ecparam", "-name", "prime256v1", "-genkey"], "")],
  ["an RSA key in the older format", "private key", openssl(["genrsa", "-traditional", "512"], "")],
  ["a key with a passphrase", "private key", openssl(["pkcs8", "-topk8", "-v2", "aes128", "-passout", "pass:x"], key)],
];

for (const [what, kind, content] of good) {
  test(`checkPem accepts ${what} as a ${kind}`, () => checkPem(Buffer.from(content), kind));
}

const damagedFirst = first.replace("-----\nMII", "-----\nBII");

const bad: readonly (readonly [string, PemKind, string | Buffer, RegExp])[] = [
  ["junk", "certificate", "junk", /^contains no certificate in PEM format$/],
  ["binary junk", "certificate", Buffer.alloc(100), /^contains no certificate in PEM format$/],
  ["HTML", "certificate", "<html>not found</html>\n", /^contains no certificate in PEM format$/],
  ["DER", "certificate", der, /^contains no certificate in PEM format; it seems to be DER/],
  ["DER", "private key", der, /^contains no private key in PEM format; it seems to be DER/],
  ["UTF-16", "certificate", Buffer.from(first, "utf16le"), /^contains no certificate in PEM format$/],
  ["a key alone", "certificate", key, /^contains no certificate, but private key$/],
  ["a certificate alone", "private key", first, /^contains no private key, but certificate$/],
  [
    "a public key",
    "private key",
    openssl(["x509", "-pubkey", "-noout"], first),
    /^contains no private key, but public key$/,
  ],
  [
    "an empty block",
    "certificate",
    first.replace(/\n[^-]*\n/, "\n"),
    /^contains a certificate that cannot be parsed, number 1$/,
  ],
  ["a damaged certificate", "certificate", damagedFirst, /^contains a certificate that cannot be parsed, number 1/],
  [
    "a damaged second certificate",
    "certificate",
    second + damagedFirst,
    /^contains a certificate that cannot be parsed, number 2/,
  ],
  [
    "two certificates without a line feed between them",
    "certificate",
    first.trimEnd() + second,
    /^has a damaged PEM block, number 1: /,
  ],
  [
    "two certificates, the first without its END line,",
    "certificate",
    `${first.slice(0, 200)}\n${second}`,
    /^has a damaged PEM block, number 1/,
  ],
  [
    "an END line without its BEGIN line",
    "certificate",
    first + first.slice(first.indexOf("\n") + 1),
    /^has a damaged PEM block, number 2/,
  ],
  ["an indented block", "certificate", first + second.replaceAll(/^/gm, "  "), /^has a damaged PEM block, number 2: /],
  [
    "a block whose END line does not match its BEGIN line",
    "private key",
    key.replace("END PRIVATE", "END EC PRIVATE"),
    /^has a damaged PEM block|^ends inside/,
  ],
];

describe("checkPem", () => {
  for (const [what, kind, content, message] of bad) {
    test(`checkPem refuses ${what} as a ${kind}`, () => {
      assert.throws(
        () => checkPem(Buffer.from(content as string), kind),
        (error) => {
          assert.ok(error instanceof PemError);
          assert.match(error.message, message);
          if (!error.message.startsWith("ends")) assert.equal(error.unfinished, false);
          return true;
        },
      );
    });
  }
});

for (const content of ["", "\n", " \r\n\t"]) {
  test(`checkPem treats ${JSON.stringify(content)} as half written`, () => {
    for (const kind of ["certificate", "private key"] as const) {
      assert.throws(() => checkPem(Buffer.from(content), kind), { message: "is empty", unfinished: true });
    }
  });
}

test("checkPem treats a file that is cut at any byte inside its blocks as half written", () => {
  const between = new Set([first.length, first.length - 1, (first + second).length - 1]);
  for (const text of [first + second, (first + second).replaceAll("\n", "\r\n")]) {
    for (let length = 1; length < text.length; length += 1) {
      const cut = text.slice(0, length);
      if (between.has(cut.replaceAll("\r", "").length)) continue;
      assert.throws(
        () => checkPem(Buffer.from(cut), "certificate"),
        (error) =>
          error instanceof PemError && error.unfinished && /^ends inside PEM block number [12]; /.test(error.message),
        `cut after ${length} of ${text.length} bytes`,
      );
    }
  }
  for (let length = 1; length < key.length - 1; length += 1) {
    assert.throws(() => checkPem(Buffer.from(key.slice(0, length)), "private key"), { unfinished: true });
  }
});
