import { admissionEntries, callingEntry } from "../../mesh/admission-entries.ts";
import type { ObjectMeta } from "../../mesh/pod.ts";
import type { AdmissionSettings } from "../admission/admit.ts";
import { createWebhookCaller } from "../admission/call.ts";
import { startWebhook, type Webhook, type WebhookOptions } from "../admission/webhook-process.ts";
import type { SandboxSpec } from "./messages.ts";

/** The webhook of a sandbox: started when the first Pod needs it, or before. */
export interface SandboxWebhook {
  readonly settings: AdmissionSettings;
  readonly running: () => Webhook | undefined;
  readonly stop: () => Promise<void>;
}

function namespaceLabels({ manifest }: SandboxSpec, namespace: string): Readonly<Record<string, string>> {
  return manifest.namespaces.find(({ name }) => name === namespace)?.labels ?? {};
}

/** Whether any Pod would be shown to the webhook. */
function isNeeded(spec: SandboxSpec, { entries }: AdmissionSettings): boolean {
  return spec.manifest.workloads.some(({ template, namespace }) => {
    const { labels = {} } = (template.metadata ?? {}) as ObjectMeta;
    return callingEntry(entries, { name: namespace, labels: namespaceLabels(spec, namespace) }, labels).called;
  });
}

export function sandboxWebhook(spec: SandboxSpec, options: Omit<WebhookOptions, "flags">): SandboxWebhook {
  const { enabled, revision, flags } = spec.webhook;
  let starting: Promise<Webhook> | undefined;
  let running: Webhook | undefined;

  async function start(): Promise<Webhook> {
    running = await startWebhook({ ...options, flags: ["--revision", revision, ...flags] });
    return running;
  }

  const caller = async () => {
    starting ??= start();
    return createWebhookCaller((await starting).endpoint);
  };
  let calling: ReturnType<typeof caller> | undefined;

  const settings: AdmissionSettings = {
    entries: enabled ? admissionEntries({ revision, isDefault: revision === "default" }) : [],
    namespaceLabels: (namespace) => namespaceLabels(spec, namespace),
    call: async (body) => {
      calling ??= caller();
      return await (await calling)(body);
    },
  };
  if (isNeeded(spec, settings)) {
    calling = caller();
    // Whoever calls it is told.
    calling.catch(() => undefined);
  }
  return { settings, running: () => running, stop: async () => await running?.stop() };
}
