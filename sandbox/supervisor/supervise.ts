import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../host/command.ts";
import type { Authority } from "../../host/x509.ts";
import { disksOf } from "../container/file-system.ts";
import { serviceVariables } from "../container/service-variables.ts";
import { serveDns } from "../dns/server.ts";
import { clusterDomain } from "../dns/zone.ts";
import type { KeyedData } from "../manifest/manifest.ts";
import { families } from "../network/addresses.ts";
import { makeNodeNetwork, makeServiceRoutes } from "../network/apply.ts";
import { type PlacedService, placeServices } from "../network/services.ts";
import type { NodeContext } from "../pod/context.ts";
import { createTokenIssuer, type TokenIssuer } from "../volume/token.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import { serveControl } from "./control.ts";
import { type SandboxDiscovery, sandboxDiscovery, withFlags } from "./discovery.ts";
import type { FromSupervisor, SandboxSpec } from "./messages.ts";
import { type SandboxWebhook, sandboxWebhook } from "./webhook.ts";

export interface Sandbox {
  readonly cluster: Cluster;
  /** Takes everything down; what does not end within the grace is left to the kernel, which ends it with us. */
  readonly stop: (graceMs: number) => Promise<void>;
}

/** What stopping takes besides the grace of the Pods. */
const spareMs = 3000;
const nodeName = "sandbox";

/** The ConfigMap that every namespace of a cluster has. */
function rootCertificates({ manifest }: SandboxSpec, { pem }: Authority): KeyedData[] {
  const namespaces = new Set(
    [...manifest.namespaces, ...manifest.workloads.map((one) => ({ name: one.namespace }))].map((one) => one.name),
  );
  const data = { "ca.crt": Buffer.from(pem.certificate).toString("base64") };
  return [...namespaces].map((namespace) => ({ name: "kube-root-ca.crt", namespace, data }));
}

function nodeContext(
  spec: SandboxSpec,
  services: readonly PlacedService[],
  authority: Authority,
  tokens: TokenIssuer,
): NodeContext {
  const { manifest, runFolder } = spec;
  const privateFolder = join(runFolder, "private");
  return {
    privateFolder,
    logFolder: join(runFolder, "logs"),
    devices: join(privateFolder, "devices"),
    disks: disksOf(readFileSync("/proc/self/mountinfo", "utf8")),
    clusterDomain,
    images: spec.images,
    references: {
      configMaps: [...manifest.configMaps, ...rootCertificates(spec, authority)],
      secrets: manifest.secrets,
    },
    issueToken: tokens.issue,
    serviceVariables: (namespace) => serviceVariables(services, namespace),
  };
}

function startDns(cluster: Cluster, { ipFamilies }: SandboxSpec, note: (text: string) => void) {
  const told = new Set<string>();
  return serveDns({
    addresses: ipFamilies.map((family) => families[family].dns),
    zone: cluster.sync.zone,
    onOutside: (name) => {
      if (told.has(name)) return;
      told.add(name);
      note(`DNS: ${name} is outside of the sandbox, which has no way out: answered SERVFAIL`);
    },
  });
}

async function removeAll({ runFolder }: SandboxSpec): Promise<void> {
  await run({ file: "umount", args: ["--lazy", join(runFolder, "private")] });
  await rm(runFolder, { recursive: true, force: true });
}

function stopper(
  spec: SandboxSpec,
  cluster: Cluster,
  webhook: SandboxWebhook,
  discovery: SandboxDiscovery | undefined,
): Sandbox["stop"] {
  let stopping: Promise<void> | undefined;
  return (graceMs) => {
    // What has not ended by then ends with this process, as everything in its PID namespace does.
    const late = sleep(graceMs + spareMs);
    stopping ??= Promise.race([cluster.stop(graceMs), late])
      .then(() => webhook.stop())
      .then(() => discovery?.stop())
      .then(() => removeAll(spec));
    return stopping;
  };
}

/** Brings a sandbox up inside the namespaces that this process was started in. */
export async function supervise(
  spec: SandboxSpec,
  authority: Authority,
  send: (message: FromSupervisor) => void,
  onStopAsked: (graceMs: number) => void,
): Promise<Sandbox> {
  const { manifest, ipFamilies, runFolder } = spec;
  const note = (text: string) => send({ type: "note", text });
  const services = placeServices(manifest.services, ipFamilies);
  const privateFolder = join(runFolder, "private");
  await mkdir(join(runFolder, "logs"), { recursive: true });
  await makeNodeNetwork(ipFamilies);
  await makeServiceRoutes(services.flatMap(({ clusterIps }) => clusterIps));
  const tokens = createTokenIssuer(Date.now);
  const discovery = await sandboxDiscovery(spec, tokens, services);
  const webhook = sandboxWebhook(withFlags(spec, discovery?.webhookFlags ?? []), {
    node: process.execPath,
    project: spec.project,
    authority,
    folder: join(privateFolder, "webhook"),
    logFile: join(runFolder, "webhook.log"),
  });
  const cluster = createCluster({
    manifest,
    services,
    ipFamilies,
    nodeName,
    node: nodeContext(spec, services, authority, tokens),
    machine: { cpu: availableParallelism(), memoryBytes: totalmem() },
    admission: async () => webhook.settings,
    onPod: (report) => send({ type: "pod", report }),
    onChange: () => discovery?.refresh(cluster.pods()),
    onNote: note,
  });
  await startDns(cluster, spec, note);
  const running = () =>
    webhook.running() && { pid: webhook.running()?.pid ?? 0, port: webhook.running()?.endpoint.port ?? 0 };
  const socket = join(runFolder, "control.sock");
  serveControl({ socket, cluster, webhook: running, discovery, stop: onStopAsked });
  cluster.start();
  return { cluster, stop: stopper(spec, cluster, webhook, discovery) };
}
