/** Checks that a runtime fails through no fault of this package, by their titles, with the reason that README gives. */
export const differences: Readonly<Record<"bun" | "deno", Readonly<Record<string, string>>>> = {
  bun: {},
  deno: {
    "tcp fails with local_resource when this host does not have localAddress":
      "reports EINVAL, which has no reason of its own",
    "tls resumes sessions of TLS 1.3": "resumes no TLS sessions",
    "tls resumes sessions of TLS 1.2": "resumes no TLS sessions",
    "tls fails with tls_cert_expired for an expired certificate": "reports an expired certificate as an untrusted one",
    "tls fails with tls_client_cert without the client's certificate under TLS 1.2":
      "reports a missing client certificate under TLS 1.2 as tls_protocol",
  },
};
