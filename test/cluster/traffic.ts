import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import type { Cluster } from "./cluster.ts";
import type { Pod } from "./pod.ts";
import { until } from "./waiting.ts";

/** An HTTP answer as the test application's client saw it. Header names are in Go's canonical form. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/** Sends a request from a Pod's application container, until there is an answer of status 200. */
export async function get(cluster: Cluster, from: Pod, url: string, ...flags: readonly string[]): Promise<Answer> {
  return until(`answer 200 of ${url}`, async () => {
    const result = await cluster.exec(from, "app", "app", "get", ...flags, url);
    if (result.exitCode !== 0) throw new Error(result.stderr);
    const answer = JSON.parse(result.stdout) as Answer;
    if (answer.status !== 200) throw new Error(result.stdout);
    return answer;
  });
}

/** What the peer's application says of the request. */
export function requestSeen({ body }: Answer): { host: string; headers: Record<string, string[]>; peer: string } {
  return JSON.parse(body) as { host: string; headers: Record<string, string[]>; peer: string };
}

/** Waits until the sidecar's access log has a line that matches. */
export async function accessLogged(cluster: Cluster, pod: Pod, pattern: RegExp): Promise<string> {
  return until(`access log line ${pattern} in ${pod.metadata.name}`, async () => {
    const log = await cluster.logs(pod, "istio-proxy");
    return log.split("\n").find((line) => pattern.test(line));
  });
}

/** Waits until a Service has a ready endpoint; a Pod that starts afterwards finds it. */
export async function endpointReady(cluster: Cluster, namespace: string, service: string): Promise<void> {
  interface Slice extends KubernetesObject {
    readonly endpoints?: readonly { readonly conditions: { readonly ready?: boolean } }[];
  }
  await until(`ready endpoint of ${service} in ${namespace}`, async () => {
    const labels = `kubernetes.io/service-name=${service}`;
    const slices = await cluster.list<Slice>("discovery.k8s.io/v1", "EndpointSlice", { namespace, labels });
    return slices.some(({ endpoints = [] }) => endpoints.some(({ conditions }) => conditions.ready));
  });
}
