import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeChart } from "./helm/chart.ts";
import { manifests } from "./manifests/manifests.ts";
import { printManifests } from "./manifests/print.ts";
import { type InstallInput, installSettings } from "./settings.ts";

/** The committed YAML: what people read, review and apply without our command. */
export const renderedFolder = join(import.meta.dirname, "rendered");

/** Which installations are rendered, by file name. */
const variants: Readonly<Record<string, InstallInput>> = {
  "outrigger.yaml": {},
  "outrigger-cert-manager-monitoring.yaml": {
    certificates: { from: "cert-manager" },
    monitoring: { serviceMonitor: true, alerts: true, dashboard: true },
  },
  "outrigger-cni.yaml": { cni: { enabled: true } },
  "outrigger-pod-certificates.yaml": { discovery: { podCertificates: true } },
  "outrigger-canary.yaml": { revision: "canary", tags: ["preview"] },
};

const preface = "# Written by `make manifests` from deploy/manifests/*.ts. Change those, not this.\n";

/** Every rendered file's text, by file name. */
export function renderAll(): Record<string, string> {
  const files = Object.entries(variants).map(([name, input]) => [
    name,
    preface + printManifests(manifests(installSettings(input))),
  ]);
  return Object.fromEntries(files) as Record<string, string>;
}

if (import.meta.main) {
  await mkdir(renderedFolder, { recursive: true });
  const files = renderAll();
  for (const name of await readdir(renderedFolder)) {
    if (!(name in files)) await rm(join(renderedFolder, name));
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(renderedFolder, name), text);
  await writeChart();
}
