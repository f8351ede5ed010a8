import type { SecureContextOptions } from "node:tls";
import { checkNumber, checkSecret, checkString, type OptionChecks, unchecked } from "../support/open-options.ts";
import { checkBoolean, checkFunction } from "../support/validate.ts";

/** Checks of the options of `tls.createSecureContext`. Node checks the contents of the `unchecked` ones. */
export const contextChecks: OptionChecks<SecureContextOptions> = {
  allowPartialTrustChain: checkBoolean,
  ALPNCallback: checkFunction,
  ca: unchecked,
  cert: unchecked,
  ciphers: checkString,
  clientCertEngine: checkString,
  crl: unchecked,
  dhparam: unchecked,
  ecdhCurve: checkString,
  honorCipherOrder: checkBoolean,
  key: unchecked,
  maxVersion: checkString,
  minVersion: checkString,
  passphrase: checkSecret,
  pfx: unchecked,
  privateKeyEngine: checkString,
  privateKeyIdentifier: checkString,
  secureOptions: checkNumber,
  secureProtocol: checkString,
  sessionIdContext: checkString,
  sessionTimeout: checkNumber,
  sigalgs: checkString,
  ticketKeys: unchecked,
};
