import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";
import { companionBinaries } from "./machine/binaries.ts";
import { until } from "./waiting.ts";

/**
 * Makes cert-manager run in the cluster: its kinds, its controllers and its CA injector. Only on the test machine; a
 * cluster of the user's has cert-manager or not.
 */
export async function withCertManager(cluster: Cluster): Promise<void> {
  const { machine } = cluster;
  if (machine === undefined) throw new Error("cert-manager is started by the test machine only");
  const binaries = await companionBinaries();
  const kinds = join(binaries, "crds");
  for (const name of await readdir(kinds)) {
    if (!name.endsWith(".yaml")) continue;
    for (const definition of await cluster.apply(await readFile(join(kinds, name), "utf8"))) {
      await until(`established ${definition.metadata.name}`, async () => {
        const found = await cluster.read(definition);
        const { conditions = [] } = (found?.status ?? {}) as { conditions?: { type: string; status: string }[] };
        return conditions.some(({ type, status }) => type === "Established" && status === "True");
      });
    }
  }
  await machine.addProgram("companions", join(binaries, "companions"));
  await machine.program("start", "cert-manager");
}
