import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";

/** A webhook that listens, and how to know that it is the right one. */
export interface WebhookEndpoint {
  readonly address: string;
  readonly port: number;
  /** The name that its certificate must be for; an API server calls a webhook by its Service. */
  readonly serverName: string;
  /** PEM of the authority that must have signed it: the `caBundle`. */
  readonly authority: string;
}

/** What the webhook configuration gives at most. */
const timeoutMs = 10_000;

/** Posts AdmissionReviews over HTTPS, each verified against the authority and the name. */
export function createWebhookCaller({ address, port, serverName, authority }: WebhookEndpoint) {
  const agent = new Agent({ keepAlive: true, ca: authority, servername: serverName, minVersion: "TLSv1.2" });
  return async (body: string): Promise<string> =>
    await new Promise((resolve, reject) => {
      const options = {
        host: address,
        port,
        path: "/inject?timeout=10s",
        method: "POST",
        agent,
        headers: { "content-type": "application/json", host: `${serverName}:443` },
        signal: AbortSignal.timeout(timeoutMs),
      };
      const sent = request(options, (response) => {
        text(response).then((answer) => {
          if (response.statusCode === 200) resolve(answer);
          else reject(new Error(`it answered ${response.statusCode}: ${answer.slice(0, 500)}`));
        }, reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
}
