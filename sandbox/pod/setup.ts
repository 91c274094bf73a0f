import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PodFacts } from "../container/field-reference.ts";
import { connectPod } from "../network/apply.ts";
import { podSysctls } from "../network/commands.ts";
import { planVolumes } from "../volume/plan.ts";
import { writeVolumes } from "../volume/write.ts";
import type { NodeContext, PodContext } from "./context.ts";
import { hostnameOf, podFiles } from "./files.ts";
import { type Holder, holdNamespaces } from "./holder.ts";

/** A Pod that is about to run. */
export interface PodPlace {
  readonly facts: PodFacts;
  /** Counts the sandbox's Pods; names the Pod's cable. */
  readonly index: number;
}

async function writeEtc(folder: string, { facts }: PodPlace, clusterDomain: string): Promise<void> {
  const files = podFiles(facts.pod, facts.podIps, clusterDomain);
  await writeFile(join(folder, "hosts"), files.hosts);
  await writeFile(join(folder, "hostname"), files.hostname);
  await writeFile(join(folder, "resolv.conf"), files.resolvConf);
}

async function holdAndConnect({ facts, index }: PodPlace): Promise<Holder> {
  const { pod, podIps } = facts;
  const { hostNetwork, securityContext } = pod.spec;
  const own = Object.fromEntries(securityContext.sysctls.map(({ name, value }) => [name, value]));
  const sysctls = hostNetwork ? own : { ...podSysctls, ...own };
  const holder = await holdNamespaces(hostnameOf(pod), sysctls, !hostNetwork);
  if (!hostNetwork) await connectPod(index, holder.pid, podIps);
  return holder;
}

/**
 * Makes what a Pod's containers share: namespaces, network, volumes, files in /etc.
 * @throws ContainerConfigError when the Pod asks for something that is not there or not allowed
 */
export async function setUpPod(node: NodeContext, place: PodPlace): Promise<{ context: PodContext; holder: Holder }> {
  const { pod } = place.facts;
  const { namespace, name } = pod.metadata;
  const folder = join(node.privateFolder, "pods", namespace, name);
  const logFolder = join(node.logFolder, namespace, name);
  await mkdir(folder, { recursive: true });
  for (const { name: container } of [...pod.spec.initContainers, ...pod.spec.containers]) {
    await mkdir(join(logFolder, container), { recursive: true });
  }
  const plans = planVolumes(pod.spec.volumes, {
    facts: place.facts,
    references: node.references,
    issueToken: node.issueToken,
  });
  const volumes = await writeVolumes(plans, join(folder, "volumes"), pod.spec.securityContext.fsGroup);
  await writeEtc(folder, place, node.clusterDomain);
  const holder = await holdAndConnect(place);
  const context = { node, pod, facts: place.facts, holderPid: holder.pid, folder, logFolder, volumes };
  return { context, holder };
}
