import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { readIfThere } from "../install/atomic-file.ts";

/**
 * What libcni keeps of every ADD, so that CHECK and DEL can be given the same. containerd and CRI-O both use it.
 * Source: github.com/containernetworking/cni, libcni/api.go, cachedInfo.
 */
const cachedAdd = v.looseObject({
  kind: v.literal("cniCacheV1"),
  ifName: v.string(),
  /** Since libcni 1.2; containerd 1.6 and 1.7 have an older one. */
  netns: v.optional(v.string()),
  cniArgs: v.array(v.tuple([v.string(), v.string()])),
  /** What the chain answered: the Pod's end of each interface stands in the Pod's namespace. */
  result: v.optional(
    v.looseObject({
      interfaces: v.optional(v.array(v.looseObject({ name: v.string(), sandbox: v.optional(v.string()) }))),
    }),
  ),
});

type CachedAdd = v.InferOutput<typeof cachedAdd>;

/** Where a Pod's network stands. */
export interface PodNetwork {
  /** As the container runtime sees it, such as `/var/run/netns/cni-5d1f…`. */
  readonly netns: string;
  readonly ifname: string;
}

function namespaceOf({ netns, ifName, result }: CachedAdd): string | undefined {
  const ofInterface = result?.interfaces?.find(({ name, sandbox }) => name === ifName && sandbox);
  return netns || ofInterface?.sandbox;
}

function readCachedAdd(text: string): CachedAdd | undefined {
  try {
    const read = v.safeParse(cachedAdd, JSON.parse(text));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}

/** The networks of a Pod by its UID, in the order of the cache's files. A Pod whose sandbox was made anew may have old ones. */
export async function podNetworks(cacheFolder: string, podUid: string): Promise<PodNetwork[]> {
  const folder = join(cacheFolder, "results");
  const names = await readdir(folder).catch(() => []);
  const networks: PodNetwork[] = [];
  for (const name of names.sort()) {
    const text = await readIfThere(join(folder, name)).catch(() => undefined);
    const cached = text === undefined ? undefined : readCachedAdd(text.toString());
    const uid = cached?.cniArgs.find(([key]) => key === "K8S_POD_UID")?.[1];
    if (cached === undefined || uid !== podUid) continue;
    const netns = namespaceOf(cached);
    if (netns !== undefined) networks.push({ netns, ifname: cached.ifName });
  }
  return networks;
}
