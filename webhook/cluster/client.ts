import {
  AdmissionregistrationV1Api,
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  EventsV1Api,
  KubeConfig,
} from "@kubernetes/client-node";

/**
 * The API server, as the webhook's Pod reaches it. This folder alone imports the Kubernetes client, and is loaded only
 * when a flag asks for the cluster: the client takes 35 MB and 100 ms.
 */
export interface ClusterClient {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly coordination: CoordinationV1Api;
  readonly registrations: AdmissionregistrationV1Api;
  readonly events: EventsV1Api;
}

/** Connects by `KUBECONFIG`, or else by the Pod's service account. */
export function connect(): ClusterClient {
  const config = new KubeConfig();
  config.loadFromDefault();
  return {
    config,
    core: config.makeApiClient(CoreV1Api),
    coordination: config.makeApiClient(CoordinationV1Api),
    registrations: config.makeApiClient(AdmissionregistrationV1Api),
    events: config.makeApiClient(EventsV1Api),
  };
}

/** The HTTP status of the API server's refusal; undefined when the error is of another kind. */
export function statusOfError(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

/** What went wrong, in one line. The client's own message has the whole answer, headers and all. */
export function describeError(error: unknown): string {
  if (!(error instanceof ApiException)) return error instanceof Error ? rootMessage(error) : String(error);
  const body: unknown = typeof error.body === "string" ? parsed(error.body) : error.body;
  const message = typeof body === "object" && body !== null && "message" in body ? String(body.message) : "";
  return `the API server answered ${error.code}: ${message}`;
}

/** `fetch failed` says nothing; its cause does. */
function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message || error.name;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200) };
  }
}
