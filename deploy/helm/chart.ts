import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { toJsonSchema } from "@valibot/to-json-schema";
import { stringify } from "yaml";
import { version } from "../../mesh/version.ts";
import type { KubernetesObject } from "../cluster/api.ts";
import { definitionManifests } from "../manifests/manifests.ts";
import { printManifests } from "../manifests/print.ts";
import { installSettings, schema } from "../settings.ts";
import { value } from "./placeholder.ts";
import { registrationTemplates } from "./registrations.ts";
import { objectTemplates } from "./variants.ts";

/** The committed chart, which is written by `make manifests`; only values.yaml is written by hand. */
export const chartFolder = join(import.meta.dirname, "..", "chart");

const banner = "{{- /* Written by `make manifests` from deploy/manifests. Change those, not this. */}}\n";

const chartFile = {
  apiVersion: "v2",
  name: "outrigger",
  description:
    "Outrigger, a service mesh: a sidecar for every Pod of a labelled namespace, and the control plane of the sidecars",
  type: "application",
  version,
  appVersion: version,
  kubeVersion: ">=1.30.0-0",
};

const helpers = `${banner}
{{- define "outrigger.suffix" -}}
{{- if ne .Values.revision "default" -}}
-{{ .Values.revision }}
{{- end -}}
{{- end -}}
`;

const notes = `Outrigger's webhook is installed as revision {{ .Values.revision }} in {{ .Release.Namespace }}.

Give a namespace its sidecars, then restart its workloads:
{{- if or (eq .Values.revision "default") (has "default" .Values.tags) }}
  kubectl label namespace NAME istio-injection=enabled
{{- else }}
  kubectl label namespace NAME istio.io/rev={{ .Values.revision }}
{{- end }}
`;

/** Registrations have templates of their own, and the release's namespace is Helm's to make. */
function isOrdinary({ kind, metadata }: KubernetesObject): boolean {
  if (kind === "Namespace") return metadata.name !== value("namespace");
  return kind !== "MutatingWebhookConfiguration" && kind !== "CustomResourceDefinition";
}

/** `HorizontalPodAutoscaler` → `horizontal-pod-autoscaler` */
function fileName(kind: string): string {
  return kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

/** The namespace is the release's, and not a value. */
function valuesSchema(): string {
  const { namespace: _, ...entries } = schema.entries;
  const json = toJsonSchema({ ...schema, entries } as typeof schema, { errorMode: "ignore", typeMode: "input" });
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

/** Every generated file of the chart, by its path below the chart's folder. */
export function chartFiles(): Record<string, string> {
  const templates = new Map<string, string[]>();
  for (const { kind, text } of [...objectTemplates(isOrdinary), ...registrationTemplates()]) {
    const name = `templates/${fileName(kind)}.yaml`;
    templates.set(name, [...(templates.get(name) ?? []), text]);
  }
  const files = [...templates].map(([name, texts]) => [name, `${banner}${texts.join("---\n")}`] as const);
  return {
    "Chart.yaml": stringify(chartFile, { lineWidth: 0 }),
    "values.schema.json": valuesSchema(),
    "templates/_helpers.tpl": helpers,
    "templates/NOTES.txt": notes,
    // Helm installs what is in this folder where it is not there yet, and never deletes it.
    "crds/security.istio.io.yaml":
      banner.replace(/^.*\* (.*) \*.*$/s, "# $1\n") + printManifests(definitionManifests(installSettings())),
    ...Object.fromEntries(files),
  };
}

/** Writes the generated files and removes those that are no longer made. */
export async function writeChart(): Promise<void> {
  await rm(join(chartFolder, "templates"), { recursive: true, force: true });
  for (const [name, text] of Object.entries(chartFiles())) {
    await mkdir(dirname(join(chartFolder, name)), { recursive: true });
    await writeFile(join(chartFolder, name), text);
  }
}
