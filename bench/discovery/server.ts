/** The measured process: a control plane over the synthetic cluster, told by its parent what to change. */

import { defaultLimits } from "../../discovery/ads/doorway.ts";
import { createControlPlane } from "../../discovery/control-plane.ts";
import { createServingCertificate } from "../../discovery/identity/serving-certificate.ts";
import { createWorkloadSecrets } from "../../discovery/identity/workload-secrets.ts";
import { defaultSettings } from "../../discovery/translate/settings.ts";
import { createAuthority, issueServingCertificate } from "../../host/x509.ts";
import { type ClusterSize, clusterChanges, podsOf, serviceChange, sliceChange } from "./cluster.ts";

export type Order =
  | { readonly order: "endpoint"; readonly service: number; readonly pods: number }
  | { readonly order: "service"; readonly service: number }
  | { readonly order: "usage" };

export interface Usage {
  readonly cpuSeconds: number;
  readonly rssMiB: number;
  /** Where it goes, in Node's words. */
  readonly memoryMiB: Readonly<Record<string, number>>;
  readonly proxies: number;
  readonly sentBytes: number;
  readonly refused: number;
}

const size = JSON.parse(process.argv[2] ?? "{}") as ClusterSize;
const day = 24 * 3_600_000;
const authority = await createAuthority({ commonName: "bench", lifetimeMs: day });
const serving = await issueServingCertificate(authority, {
  names: { ip: ["127.0.0.1"], dns: ["localhost"] },
  lifetimeMs: day,
});
const mesh = { signer: authority, chain: "", roots: authority.pem.certificate };
let sentBytes = 0;
let refused = 0;
const pods = podsOf(size);
const podByToken = new Map(pods.map((pod) => [pod.name, pod]));

const controlPlane = createControlPlane({
  settings: { ...defaultSettings, exportTo: size.exportTo },
  authenticate: async (token) => {
    const pod = podByToken.get(token);
    if (pod === undefined) return { ok: false, reason: "invalid-token" };
    return { ok: true, identity: { ...pod, pod } };
  },
  certificate: createServingCertificate(serving),
  secrets: (onChange) =>
    createWorkloadSecrets({ authority: mesh, trustDomain: "cluster.local", lifetimeMs: day, onChange, onFailure() {} }),
  events: {
    onConnected() {},
    onDisconnected() {},
    onRejected: (reason, detail) => process.stderr.write(`rejected: ${reason} ${detail ?? ""}\n`),
    onSent: (_kind, bytes) => {
      sentBytes += bytes;
    },
    onAcknowledged() {},
    onRefused: () => {
      refused += 1;
    },
    onUpdated() {},
  },
  // Here all proxies share an address.
  limits: { ...defaultLimits, idleOfAddress: defaultLimits.connections },
});
const start = performance.now();
for (const change of clusterChanges(size)) controlPlane.apply(change);
controlPlane.flush();
const translatedMs = performance.now() - start;
const port = await controlPlane.ads.listen("127.0.0.1", 0);
process.send?.({ port, translatedMs, root: authority.pem.certificate });

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1_000_000,
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    memoryMiB: Object.fromEntries(
      Object.entries(process.memoryUsage()).map(([kind, bytes]) => [kind, Math.round(bytes / 2 ** 20)]),
    ),
    proxies: controlPlane.ads.streams().length,
    sentBytes,
    refused,
  };
}

process.on("message", (order: Order) => {
  if (order.order === "usage") process.send?.(usage());
  if (order.order === "service") controlPlane.apply(serviceChange(order.service, size));
  if (order.order === "endpoint") {
    const first = order.service * size.podsOfService;
    controlPlane.apply(sliceChange(order.service, size, pods.slice(first, first + order.pods)));
  }
});
process.on("disconnect", () => process.exit(0));
