import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { type RequestOptions, request as tlsRequest } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { OutriggerError } from "../../mesh/errors.ts";

/** A Kubernetes object of any kind, whatever fields it has. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Such as `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

export interface ApiAnswer<T> {
  readonly body: T;
  /** The Warning headers' texts: what the API server or a webhook wants the user to read. */
  readonly warnings: readonly string[];
}

/** An answer that is an error: a Kubernetes Status. */
export class ApiError extends Error {
  readonly status: number;
  /** Such as `NotFound` or `Conflict`. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
  }
}

/** A connection to one API server. */
export interface ClusterApi {
  readonly config: KubeConfig;
  request<T = KubernetesObject>(request: ApiRequest): Promise<ApiAnswer<T>>;
  /** For answers that are not JSON, such as a container's log. */
  text(request: ApiRequest): Promise<string>;
}

const defaultTimeoutMs = 30_000;

/** `299 - "text"`, possibly several in one header. */
function warningTexts(header: string | undefined): string[] {
  return [...(header ?? "").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? "").replaceAll(/\\(.)/g, "$1"),
  );
}

function errorOf(status: number, text: string): ApiError {
  try {
    const { reason = "", message = text } = JSON.parse(text) as { reason?: string; message?: string };
    return new ApiError(status, reason, message);
  } catch {
    return new ApiError(status, "", text.slice(0, 500));
  }
}

/** Waits for the answer's head. Without one the server is unreachable, and a person must hear which. */
async function answerOf(outgoing: ClientRequest, server: string): Promise<IncomingMessage> {
  try {
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return response;
  } catch (cause) {
    const message = `does not answer: ${(cause as Error).message}`;
    const remedy = "check the kubeconfig's context and that the cluster runs";
    throw new OutriggerError("CLUSTER_FAILED", [{ field: `API server ${server}`, message, remedy }], { cause });
  }
}

function target(server: string, { path, query }: ApiRequest): URL {
  const url = new URL(server);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/**
 * Connects by a kubeconfig (files and environment as kubectl has them, or a Pod's service account). Objects travel as
 * they are: the typed client would drop every field that it does not know, and strict validation could not name it.
 */
export async function connectTo(config: KubeConfig): Promise<ClusterApi> {
  const server = config.getCurrentCluster()?.server ?? "";
  const security: RequestOptions = {};
  await config.applyToHTTPSOptions(security);
  const send = server.startsWith("http:") ? plainRequest : tlsRequest;
  const ask = async (request: ApiRequest): Promise<ApiAnswer<string>> => {
    const { method = "GET", body, contentType = "application/json", timeoutMs = defaultTimeoutMs } = request;
    const signal = AbortSignal.timeout(timeoutMs);
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      ...security.headers,
      accept: "application/json, */*;q=0.8",
      "content-type": contentType,
      // Node.js tells the length of a DELETE's body only when asked to; the server would take it for the next request.
      ...(content !== undefined && { "content-length": content.length }),
    };
    const outgoing = send(target(server, request), { ...security, method, headers, signal });
    outgoing.end(content);
    const response = await answerOf(outgoing, server);
    const text = Buffer.concat((await response.toArray()) as Buffer[]).toString();
    const status = response.statusCode ?? 0;
    if (status >= 400) throw errorOf(status, text);
    return { body: text, warnings: warningTexts(response.headers.warning) };
  };
  return {
    config,
    async request<T>(request: ApiRequest): Promise<ApiAnswer<T>> {
      const { body, warnings } = await ask(request);
      return { body: JSON.parse(body) as T, warnings };
    },
    text: async (request) => (await ask(request)).body,
  };
}

/** Connects by the user's own kubeconfig: `KUBECONFIG`, `~/.kube/config`, or the Pod's service account. */
export async function connect(context?: string): Promise<ClusterApi> {
  // 256 ms to import: only for those who talk to a cluster.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromDefault();
  if (context !== undefined) config.setCurrentContext(context);
  return connectTo(config);
}
