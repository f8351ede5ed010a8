import type * as http from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import type * as https from "node:https";

/** Sends a request and resolves with the body of the answer. A request that times out is destroyed. */
export function get(
  module: typeof http | typeof https,
  url: string,
  options: https.RequestOptions,
  sees: (response: IncomingMessage, request: ClientRequest) => void = () => {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = module.get(url, options, (response) => {
      sees(response, sent);
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => resolve(text));
      response.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error("the request timed out")));
    sent.on("error", reject);
  });
}
