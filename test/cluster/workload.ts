import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { appImage } from "./images.ts";

type Labels = Readonly<Record<string, string>>;

export interface AppOptions {
  readonly labels?: Labels;
  readonly annotations?: Labels;
  /** Merged over the Pod's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Merged over the container. */
  readonly container?: Readonly<Record<string, unknown>>;
}

/** The container of the test application. A Pod of it ends at once when told to. */
export function appContainer(overrides: AppOptions["container"] = {}) {
  return { name: "app", image: appImage, args: ["serve"], ports: [{ containerPort: 8080 }], ...overrides };
}

/** The spec of a Pod that runs the test application. */
export function appSpec({ container, spec }: AppOptions = {}) {
  return { terminationGracePeriodSeconds: 2, containers: [appContainer(container)], ...spec };
}

/** A Pod that runs the test application, labelled `app=NAME`. */
export function appPod(namespace: string, name: string, options: AppOptions = {}): KubernetesObject {
  const { labels, annotations } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: name, ...labels }, ...(annotations && { annotations }) },
    spec: appSpec(options),
  };
}

/** A Deployment of the test application. */
export function appDeployment(
  namespace: string,
  name: string,
  { replicas = 1, ...options }: AppOptions & { readonly replicas?: number } = {},
): KubernetesObject {
  const labels = { app: name, ...options.labels };
  const { annotations } = options;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels, ...(annotations && { annotations }) }, spec: appSpec(options) },
    },
  };
}

/** A Service `NAME` in front of the Pods `app=NAME`: 80 → 8080, 9000, 9001. */
export function appService(namespace: string, name: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: {
      selector: { app: name },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "tcp", port: 9000 },
        { name: "grpc", port: 9001 },
      ],
    },
  };
}
