import {
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  type Informer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from "@kubernetes/client-node";
import { retryDelayMs } from "../../kubernetes/retry-delay.ts";
import type { ObjectSource } from "../main.ts";
import { kubeConfig } from "./kubernetes-client.ts";
import type { Change, Kind } from "./objects.ts";

/** Istio's API, whose CRDs may not be there: then there are no such objects. */
const peerAuthentications = { group: "security.istio.io", version: "v1", plural: "peerauthentications" } as const;

interface Watched {
  readonly kind: Kind;
  readonly path: string;
  readonly list: () => Promise<KubernetesListObject<KubernetesObject>>;
}

const emptyList: KubernetesListObject<KubernetesObject> = {
  apiVersion: "v1",
  kind: "List",
  metadata: { resourceVersion: "0" },
  items: [],
};

function isNotFound(error: unknown): boolean {
  return (error as { code?: number }).code === 404;
}

function watchedKinds(config: KubeConfig): Watched[] {
  const core = config.makeApiClient(CoreV1Api);
  const discovery = config.makeApiClient(DiscoveryV1Api);
  const custom = config.makeApiClient(CustomObjectsApi);
  const { group, version, plural } = peerAuthentications;
  return [
    { kind: "Namespace", path: "/api/v1/namespaces", list: () => core.listNamespace() },
    { kind: "Node", path: "/api/v1/nodes", list: () => core.listNode() },
    { kind: "Service", path: "/api/v1/services", list: () => core.listServiceForAllNamespaces() },
    {
      kind: "EndpointSlice",
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      list: () => discovery.listEndpointSliceForAllNamespaces(),
    },
    { kind: "Pod", path: "/api/v1/pods", list: () => core.listPodForAllNamespaces() },
    {
      kind: "PeerAuthentication",
      path: `/apis/${group}/${version}/${plural}`,
      list: () => custom.listClusterCustomObject({ group, version, plural }),
    },
  ];
}

/** What nobody reads, and what is most of an object. */
function trimmed(object: KubernetesObject): KubernetesObject {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

type Apply = (change: Change) => void;
type OnError = (error: unknown) => void;

/** Follows one kind; resolves when all objects there are have been applied. */
function follow(
  config: KubeConfig,
  { kind, path, list }: Watched,
  apply: Apply,
  onError: OnError,
  isOptional: boolean,
) {
  const { promise: listed, resolve } = Promise.withResolvers<void>();
  const informer: Informer<KubernetesObject> = makeInformer(config, path, async () => {
    try {
      const items = await list();
      setImmediate(resolve);
      return items;
    } catch (error) {
      if (!isOptional || !isNotFound(error)) throw error;
      setImmediate(resolve);
      return emptyList;
    }
  });
  let failures = 0;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const change = (deleted: boolean) => (object: KubernetesObject) => {
    failures = 0;
    apply({ kind, object: trimmed(object), deleted } as unknown as Change);
  };
  const restart = (error: unknown) => {
    if (isStopped) return;
    if (!isOptional || !isNotFound(error)) onError(error);
    clearTimeout(timer);
    timer = setTimeout(start, retryDelayMs(failures++));
  };
  const start = () => void informer.start().catch(restart);
  informer.on("add", change(false));
  informer.on("update", change(false));
  informer.on("delete", change(true));
  informer.on("error", restart);
  start();
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    void informer.stop();
  };
  return { listed, stop };
}

/** The cluster, read from and watched at the Kubernetes API. */
export function kubernetesSource(): ObjectSource {
  const config = kubeConfig();
  let stops: (() => void)[] = [];
  return {
    async start(apply, onError) {
      const followed = watchedKinds(config).map((watched) =>
        follow(config, watched, apply, onError, watched.kind === "PeerAuthentication"),
      );
      stops = followed.map(({ stop }) => stop);
      await Promise.all(followed.map(({ listed }) => listed));
    },
    close() {
      for (const stop of stops) stop();
    },
  };
}
