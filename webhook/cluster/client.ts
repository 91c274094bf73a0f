import {
  AdmissionregistrationV1Api,
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
