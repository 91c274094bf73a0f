import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { type Cluster, parseObjects } from "./cluster.ts";
import { companionBinaries } from "./machine/binaries.ts";
import { until } from "./waiting.ts";

async function definitions(): Promise<KubernetesObject[]> {
  const folder = join(await companionBinaries(), "crds");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap(parseObjects);
}

/** Gives the cluster cert-manager's kinds. The function returned takes them away, with all objects of them. */
export async function certManagerKinds(cluster: Cluster): Promise<() => Promise<void>> {
  const kinds = await definitions();
  for (const definition of await cluster.apply(kinds)) {
    await until(`established ${definition.metadata.name}`, async () => {
      const found = await cluster.read(definition);
      const { conditions = [] } = (found?.status ?? {}) as { conditions?: { type: string; status: string }[] };
      return conditions.some(({ type, status }) => type === "Established" && status === "True");
    });
  }
  return async () => {
    await cluster.delete(...kinds);
    // An object that comes while the API server removes the others makes it look again a minute later.
    await until(
      "cluster without cert-manager's kinds",
      async () => {
        const left = await Promise.all(kinds.map((definition) => cluster.read(definition)));
        return left.every((definition) => definition === undefined);
      },
      { timeoutMs: 180_000 },
    );
  };
}

/**
 * Makes cert-manager run in the cluster: its kinds, its controllers and its CA injector. Only on the test machine; a
 * cluster of the user's has cert-manager or not. The function returned ends it and takes its kinds away.
 */
export async function withCertManager(cluster: Cluster): Promise<() => Promise<void>> {
  const { machine } = cluster;
  if (machine === undefined) throw new Error("cert-manager is started by the test machine only");
  const removeKinds = await certManagerKinds(cluster);
  await machine.addProgram("companions", join(await companionBinaries(), "companions"));
  await machine.program("start", "cert-manager");
  return async () => {
    // It would go on to make objects of the kinds that go.
    await machine.program("kill", "cert-manager");
    await removeKinds();
  };
}
