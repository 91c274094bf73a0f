import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as requestTls } from "node:https";
import type { HttpGetSpec } from "../pod/container-schema.ts";
import { failure, type Outcome, success } from "./outcome.ts";

export interface HttpTarget {
  readonly ip: string;
  readonly port: number;
  readonly timeoutMs: number;
}

function judged({ statusCode = 0, statusMessage }: IncomingMessage): Outcome {
  if (statusCode >= 200 && statusCode < 400) return success;
  return failure(`HTTP probe failed with statuscode: ${statusCode} ${statusMessage ?? ""}`.trimEnd());
}

function headersOf({ httpHeaders }: HttpGetSpec): Record<string, string> {
  const given = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  return { "User-Agent": "kube-probe/1.34", Accept: "*/*", Connection: "close", ...given };
}

/**
 * A GET as the kubelet sends it: any status from 200 to 399 is a success, and a certificate is not looked at.
 * https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
 */
export function probeHttp(spec: HttpGetSpec, { ip, port, timeoutMs }: HttpTarget): Promise<Outcome> {
  const options: RequestOptions = {
    host: spec.host ?? ip,
    port,
    path: spec.path.startsWith("/") ? spec.path : `/${spec.path}`,
    headers: headersOf(spec),
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve) => {
    const send = spec.scheme === "HTTPS" ? requestTls : request;
    const sent = send({ ...options, ...(spec.scheme === "HTTPS" && { rejectUnauthorized: false }) }, (response) => {
      response.on("error", () => undefined);
      response.resume();
      resolve(judged(response));
    });
    sent.on("error", (error) => {
      const late = error.name === "AbortError" || error.name === "TimeoutError";
      resolve(failure(late ? `no answer from port ${port} within ${timeoutMs} ms` : error.message));
    });
    sent.end();
  });
}
