import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { Issued } from "../certificates.ts";
import { type RunningServer, startProcess } from "./process.ts";

/** How nginx is started. */
export interface NginxOptions {
  /** Port to listen on; for a restart. @defaultValue a free port */
  readonly port?: number | undefined;
  /** Certificate, for TLS. @defaultValue none: it speaks plain HTTP */
  readonly tls?: Issued | undefined;
  /** Whether it speaks HTTP/2 with clients that ask for it. @defaultValue false */
  readonly http2?: boolean | undefined;
  /** Additional directives of its server. */
  readonly directives?: string | undefined;
}

/** A running nginx. */
export interface Nginx extends RunningServer {
  /** Returns the number of connections that it has accepted, without those for this question. Not with TLS. */
  accepted(): Promise<number>;
}

/**
 * Starts nginx. It answers `/` with `pong`, `/connection` with the number of the connection, and `/status` with its
 * own counts.
 */
export async function startNginx({ port, tls, http2 = false, directives = "" }: NginxOptions = {}): Promise<Nginx> {
  const server = await startProcess(
    "nginx",
    (chosen, folder) => {
      const config = join(folder, "nginx.conf");
      if (tls !== undefined) {
        writeFileSync(join(folder, "cert.pem"), tls.cert);
        writeFileSync(join(folder, "key.pem"), tls.key);
      }
      const secure = tls === undefined ? "" : `ssl ${http2 ? "http2" : ""}`;
      writeFileSync(config, configuration(folder, `127.0.0.1:${chosen} ${secure}`, tls !== undefined, directives));
      return ["-p", folder, "-c", config, "-e", join(folder, "error.log")];
    },
    { port },
  );
  let asked = 0;
  const accepted = async () => {
    asked += 1;
    return Number(/^ *(\d+) \d+ \d+/m.exec(await statusOf(server.port))?.[1]) - asked;
  };
  return Object.assign(server, { accepted });
}

function configuration(folder: string, listen: string, isSecure: boolean, directives: string): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 1000; }
http {
  access_log off;
  ${paths.join("\n  ")}
  server {
    listen ${listen};
    server_name localhost;
    ${isSecure ? `ssl_certificate ${folder}/cert.pem;\n    ssl_certificate_key ${folder}/key.pem;` : ""}
    ${directives}
    location = / { return 200 "pong"; }
    location = /connection { return 200 "$connection"; }
    location = /status { stub_status; }
  }
}
`;
}

/** Returns the answer to `GET /status`, through a connection of its own. */
function statusOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", path: "/status", agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => resolve(text));
    });
    asked.on("error", reject);
    asked.end();
  });
}
