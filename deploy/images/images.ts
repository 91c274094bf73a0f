import { serviceNodeFlags } from "../../mesh/node-flags.ts";
import type { Image } from "./file.ts";
import { baseLayer, captureToolsLayer, folderLayer, nodeLayer, programLayer } from "./layers.ts";
import { bundleFolder, startInit, startProgram } from "./program.ts";

/** What each image runs and as whom; the Containerfile says the same of its targets. */
export const processes = {
  outrigger: { entrypoint: startProgram(serviceNodeFlags), user: "65532:65532" },
  init: { entrypoint: startInit },
  cni: { entrypoint: startProgram(serviceNodeFlags) },
} as const;

export const environment = { NODE_ENV: "production" } as const;

function labels(title: string, version: string) {
  return {
    "org.opencontainers.image.title": title,
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.licenses": "Apache-2.0",
  };
}

/** The webhook and the command line: Node.js and the bundle, nothing else, as a user without rights. */
export async function webhookImage(version: string, bundled: string): Promise<Image> {
  return {
    repository: "docker.io/outrigger/outrigger",
    tag: version,
    layers: [await baseLayer(), await nodeLayer(), await folderLayer(bundled, bundleFolder)],
    ...processes.outrigger,
    environment,
    labels: labels("Outrigger", version),
  };
}

/** What istio-init runs, from `bundleInit`, and the tools that write rules. The Pod's spec says that it runs as root. */
export async function initImage(version: string, bundled: string): Promise<Image> {
  return {
    repository: "docker.io/outrigger/init",
    tag: version,
    layers: [await baseLayer(), await nodeLayer(), await captureToolsLayer(), await folderLayer(bundled, bundleFolder)],
    ...processes.init,
    environment,
    labels: labels("Outrigger init", version),
  };
}

/** What the node agent's image has of Go: paths of the executables. */
export interface CniPrograms {
  /** What it puts on the node. */
  readonly plugin: string;
  /** What enters Pods' namespaces. */
  readonly enter: string;
}

/** The node agent: as init, with the programs in Go. */
export async function cniImage(version: string, bundled: string, { plugin, enter }: CniPrograms): Promise<Image> {
  return {
    repository: "docker.io/outrigger/cni",
    tag: version,
    layers: [
      await baseLayer(),
      await nodeLayer(),
      await captureToolsLayer(),
      // For Pods in user namespaces of their own; the others need none.
      await programLayer("/usr/bin/nsenter", "/usr/bin/nsenter"),
      [
        { path: `${bundleFolder}/outrigger-cni`, copyOf: plugin, mode: 0o755 },
        { path: `${bundleFolder}/outrigger-enter`, copyOf: enter, mode: 0o755 },
      ],
      await folderLayer(bundled, bundleFolder),
    ],
    ...processes.cni,
    environment,
    labels: labels("Outrigger CNI", version),
  };
}
