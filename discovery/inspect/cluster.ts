import { type AddressInfo, createServer } from "node:net";
import { CoreV1Api, PortForward } from "@kubernetes/client-node";
import { ports } from "../../mesh/ports.ts";
import type { ProxyStatus } from "../../mesh/proxy-status.ts";
import { kubeConfig } from "../registry/kubernetes-client.ts";
import type { ReportedStatus } from "./status-table.ts";

/** How discovery's Pods are labelled. */
export const discoverySelector = "app.kubernetes.io/name=outrigger,app.kubernetes.io/component=discovery";
const httpPort = 15014;

/** Asks every replica of discovery, through the API server. */
export async function askDiscovery(namespace: string, context: string | undefined): Promise<ReportedStatus[]> {
  const api = kubeConfig(context).makeApiClient(CoreV1Api);
  const { items } = await api.listNamespacedPod({ namespace, labelSelector: discoverySelector });
  const running = items.filter(({ status }) => status?.phase === "Running");
  const answers = await Promise.all(
    running.map(async ({ metadata }) => {
      const replica = metadata?.name ?? "";
      const path = "proxies";
      const answer: unknown = await api.connectGetNamespacedPodProxyWithPath({
        name: `${replica}:${httpPort}`,
        namespace,
        path,
      });
      const statuses = (typeof answer === "string" ? JSON.parse(answer) : answer) as ProxyStatus[];
      return statuses.map((status) => ({ ...status, replica }));
    }),
  );
  return answers.flat();
}

/** Runs the work with a URL of a Pod's Envoy admin interface, which is on loopback in the Pod, by a port-forward. */
export async function withAdmin<T>(
  namespace: string,
  pod: string,
  context: string | undefined,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const forward = new PortForward(kubeConfig(context), true);
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    forward.portForward(namespace, pod, [ports.admin], socket, null, socket).catch(reject);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await Promise.race([work(`http://127.0.0.1:${port}`), failed]);
  } finally {
    server.close();
  }
}
