import { join } from "node:path";
import { type DiscoveredPod, discoveryObjects } from "../discovery/objects.ts";
import { startDiscovery } from "../discovery/process.ts";
import type { MeshPolicy } from "../manifest/manifest.ts";
import { families } from "../network/addresses.ts";
import type { PlacedService } from "../network/services.ts";
import { type TokenIssuer, tokenIssuer } from "../volume/token.ts";
import type { SandboxSpec } from "./messages.ts";
import { backendOf, type LivePod } from "./pods.ts";

/** The control plane of a sandbox. */
export interface SandboxDiscovery {
  readonly pid: () => number | undefined;
  readonly webhookFlags: readonly string[];
  /** Says that Pods have changed. Many calls at once make one update. */
  readonly refresh: (pods: readonly LivePod[]) => void;
  /** Puts policies in force, in place of those of the same name. */
  readonly apply: (policies: readonly MeshPolicy[]) => void;
  readonly stop: () => Promise<void>;
}

/** The sandbox's description with more flags for its webhook. */
export function withFlags(spec: SandboxSpec, flags: readonly string[]): SandboxSpec {
  return { ...spec, webhook: { ...spec.webhook, flags: [...spec.webhook.flags, ...flags] } };
}

function discovered(live: LivePod): DiscoveredPod[] {
  const { object: pod, ips } = live;
  if (pod === undefined || pod.spec.hostNetwork || live.isReplaced) return [];
  const { metadata, spec } = pod;
  const ports = [...spec.initContainers, ...spec.containers].flatMap((container) => container.ports);
  const { workload } = live.wanted;
  return [{ metadata, workload, serviceAccountName: spec.serviceAccountName, ips, backend: backendOf(live), ports }];
}

/** Starts the control plane, if the sandbox is to have one. */
export async function sandboxDiscovery(
  spec: SandboxSpec,
  tokens: TokenIssuer,
  services: readonly PlacedService[],
): Promise<SandboxDiscovery | undefined> {
  if (!spec.discovery) return undefined;
  const [family = "IPv4"] = spec.ipFamilies;
  const discovery = await startDiscovery({
    node: process.execPath,
    project: spec.project,
    address: families[family].node,
    folder: join(spec.runFolder, "private", "discovery"),
    logFile: join(spec.runFolder, "discovery.log"),
    tokens: { publicKey: tokens.publicKey, issuer: tokenIssuer },
  });
  let newest: readonly LivePod[] = [];
  let isDue = false;
  const policies = new Map<string, MeshPolicy>();
  const keep = (given: readonly MeshPolicy[]) => {
    for (const policy of given) policies.set(`${policy.metadata.namespace}/${policy.metadata.name}`, policy);
  };
  const writeSoon = () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      discovery.write(discoveryObjects(services, newest.flatMap(discovered), [...policies.values()]));
    });
  };
  keep(spec.manifest.policies);
  return {
    pid: discovery.pid,
    webhookFlags: discovery.webhookFlags,
    refresh(pods) {
      newest = pods;
      writeSoon();
    },
    apply(given) {
      keep(given);
      writeSoon();
    },
    stop: discovery.stop,
  };
}
