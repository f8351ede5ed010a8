import assert from "node:assert/strict";
import { test } from "node:test";
import { authority } from "../support/certificates.ts";
import { runCli } from "../support/cli.ts";
import { operatorMode } from "../support/nats-auth.ts";
import { infoLine } from "../support/nats-peer.ts";
import { freePort, peer } from "../support/peers.ts";
import { temporaryFile } from "../support/temporary.ts";
import { tlsPeer } from "../support/tls-peers.ts";

const secret = "geheim-S3cret/pass+word";
const encoded = encodeURIComponent(secret);
/** What must appear in no output: the secret as it is, percent-encoded, in base64 alone and in a pair with the user. */
const writings = [
  secret,
  encoded,
  Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  Buffer.from(`worker:${secret}`).toString("base64").replace(/=+$/, ""),
];

/** A secret that is broken into lines would not be found. */
const wide = { COLUMNS: "1000" };

/** A server that repeats all it receives, in each place where a server sends text. */
const echoes = {
  nats: () =>
    peer((socket) => {
      socket.write(infoLine({ server_name: "echo" }));
      socket.on("data", (bytes) => socket.write(`-ERR 'Authorization Violation ${bytes.toString().trimEnd()}'\r\n`));
    }),
  natsInfo: () =>
    peer((socket) => socket.write(infoLine({ server_name: secret, cluster: encoded, version: writings[2] }))),
  http: () =>
    peer((socket) =>
      socket.on("data", (bytes) => {
        const authorization = /^authorization: (.*)$/im.exec(bytes.toString())?.[1]?.trim();
        const path = bytes.toString().split(" ")[1];
        socket.end(`HTTP/1.1 302 Found\r\nserver: ${authorization}\r\nlocation: ${path} ${authorization}\r\n\r\n`);
      }),
    ),
  noHttp: () => peer((socket) => socket.on("data", (bytes) => socket.end(bytes))),
  banner: () => peer((socket) => socket.write(`220 hello ${secret} ${encoded} ${writings[2]}\r\n`)),
};

/** Runs the command in each of its forms and asserts that no output has a secret. */
async function keepsSecret(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const forms = [[], ["--json"], ["-c", "1"], ["-c", "1", "--json", "--metrics", "0"]];
  const results = await Promise.all(
    forms.map((form) => runCli(["-t", "2s", "--wait", "200ms", ...form, ...args], { env: { ...wide, ...env } })),
  );
  for (const { stdout, stderr, code } of results) {
    assert.notEqual(stdout, "", stderr);
    assert.notEqual(code, null);
    for (const writing of writings) assert.ok(!(stdout + stderr).includes(writing), `${writing} in ${stdout}${stderr}`);
  }
}

test("a password in a target appears in no output, whatever the server repeats", async () => {
  for (const [name, start] of Object.entries(echoes)) {
    await using server = await start();
    const schemes = name.startsWith("nats") ? ["nats"] : name === "banner" ? ["tcp", "tls"] : ["http"];
    for (const scheme of schemes)
      await keepsSecret([`${scheme}://worker:${encoded}@${server.address}/a?key=${encoded}`]);
  }
});

test("a token in a target and one from an option appear in no output", async () => {
  await using server = await echoes.nats();
  await keepsSecret([`nats://${encoded}@${server.address}`]);
  await keepsSecret(["--token", secret, `nats://${server.address}`]);
  await keepsSecret(["--token-file", temporaryFile("token", secret), `nats://${server.address}`]);
  await keepsSecret(["--user", "worker", "--password", secret, `nats://${server.address}`]);
});

test("the credentials of a proxy appear in no output, whatever the proxy repeats", async () => {
  await using proxy = await echoes.noHttp();
  const target = `127.0.0.1:${await freePort()}`;
  const url = `http://worker:${encoded}@${proxy.address}`;
  await keepsSecret(["--proxy", url, target]);
  await keepsSecret([target], { ALL_PROXY: url });
  await keepsSecret(["--proxy", `http://worker:${encoded}@127.0.0.1:${await freePort()}`, target]);
  await keepsSecret(["--proxy", `socks5h://worker:${encoded}@${proxy.address}`, target]);
});

test("a secret in a server's certificate or ALPN appears in no output", async () => {
  const short = "S3cret-pass";
  const issued = authority().issue({ name: short, alternatives: [`DNS:${short}`] });
  await using server = await tlsPeer(issued);
  const results = await Promise.all(
    [[], ["--json"]].map((form) =>
      runCli([...form, `https://worker:${short}@127.0.0.1:${server.port}`], { env: wide }),
    ),
  );
  for (const { stdout } of results) {
    assert.match(stdout, /tls_/);
    assert.ok(!stdout.includes(short), stdout);
  }
});

test("the JWT and the signature of a .creds file appear in no output", async () => {
  const creds = await (await operatorMode()).creds();
  const jwt = /^ey.*$/m.exec(creds)?.[0] ?? "";
  const seed = /^SU.*$/m.exec(creds)?.[0] ?? "";
  let signature = "";
  let repeats: "sig" | "jwt" = "sig";
  await using server = await peer((socket) => {
    socket.write(infoLine({ nonce: "nonce" }));
    socket.on("data", (bytes) => {
      const { [repeats]: repeated, sig } = JSON.parse(/^CONNECT (.*)\r$/m.exec(bytes.toString())?.[1] ?? "{}");
      signature = sig;
      socket.write(`-ERR 'no ${repeated}'\r\n`);
    });
  });
  const file = temporaryFile("user.creds", creds);
  for (const [form, field] of [
    [[], "sig"],
    [["--json"], "jwt"],
  ] as const) {
    repeats = field;
    const { stdout } = await runCli([...form, "--creds", file, `nats://${server.address}`], { env: wide });
    assert.match(stdout, /the server refuses/);
    assert.ok(jwt.length > 100 && seed.length === 58 && signature.length > 80);
    for (const part of [jwt.slice(0, 40), seed, signature]) assert.ok(!stdout.includes(part), stdout);
  }
});

test("the values of a query appear in no output when a server decodes them, however many there are", async () => {
  await using server = await peer((socket) =>
    socket.on("data", (bytes) => {
      const path = decodeURIComponent(bytes.toString().split(" ")[1] ?? "");
      socket.end(`HTTP/1.1 200 OK\r\nserver: ${path.slice(path.indexOf("last"))}\r\n\r\n`);
    }),
  );
  const others = Array.from({ length: 40 }, (_, index) => `name${index}=value${index}`).join("&");
  for (const value of ["a%2Fb%2Fsecret", "%67eheim", "geheim-ü", "nameless"]) {
    const last = value === "nameless" ? value : `last=${value}`;
    const { stdout } = await runCli(["--json", `http://${server.address}/?last=&${others}&${last}`], { env: wide });
    assert.match(stdout, /"server":"[^"]*\*\*\*/);
    for (const part of ["secret", "geheim", "value3", "nameless"]) assert.ok(!stdout.includes(part), stdout);
  }
});

test("a password is blanked even next to a query of many values", async () => {
  await using server = await echoes.http();
  const query = Array.from({ length: 40 }, (_, index) => `name${index}=value${index}`).join("&");
  await keepsSecret(["--user", "worker", "--password", secret, `http://${server.address}/?${query}`]);
});
