import { PatchStrategy, setHeaderOptions, type V1MutatingWebhookConfiguration } from "@kubernetes/client-node";
import { describeError } from "../../kubernetes/api-error.ts";
import { type Following, follow } from "../../kubernetes/follow.ts";
import { splitPem } from "../authority/secret-data.ts";
import type { ClusterClient } from "./client.ts";

type Registration = V1MutatingWebhookConfiguration;

/** cert-manager's injector owns the caBundle of what carries one of these. */
const injectorAnnotations = [
  "cert-manager.io/inject-ca-from",
  "cert-manager.io/inject-ca-from-secret",
  "cert-manager.io/inject-apiserver-ca",
];

/** Whether somebody else keeps the registration's caBundle. */
export function belongsToOther({ metadata }: Registration): boolean {
  return injectorAnnotations.some((name) => metadata?.annotations?.[name] !== undefined);
}

function bundleOf(encoded: string | undefined): readonly string[] {
  return splitPem(Buffer.from(encoded ?? "", "base64").toString("utf8"));
}

function sameCertificates(one: readonly string[], other: readonly string[]): boolean {
  const rest = new Set(other);
  return one.length === other.length && one.every((pem) => rest.has(pem));
}

/** The operations that make every entry of a registration trust exactly these certificates; none when all do. */
export function bundlePatch(registration: Registration, trusted: readonly string[]): object[] {
  if (belongsToOther(registration)) return [];
  const caBundle = Buffer.from(trusted.join("")).toString("base64");
  return (registration.webhooks ?? []).flatMap(({ name, clientConfig }, index) => {
    if (sameCertificates(bundleOf(clientConfig.caBundle), trusted)) return [];
    return [
      // The list may have changed meanwhile: an index means the entry that was looked at, or nothing happens.
      { op: "test", path: `/webhooks/${index}/name`, value: name },
      { op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
    ];
  });
}

/** Registrations of which an API server would refuse a certificate of this authority, by name. */
export function distrusting(registrations: readonly Registration[], authority: string): string[] {
  return registrations
    .filter(({ webhooks = [] }) =>
      webhooks.some(({ clientConfig }) => !bundleOf(clientConfig.caBundle).includes(authority)),
    )
    .map(({ metadata }) => metadata?.name ?? "");
}

async function patch({ registrations }: ClusterClient, name: string, body: object[]): Promise<void> {
  const options = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
  await registrations.patchMutatingWebhookConfiguration({ name, body, fieldManager: "outrigger-webhook" }, options);
}

/**
 * Makes every registration trust exactly these certificates, where that is ours to do. Each is tried, and what failed
 * is thrown at the end, with the registration's name.
 */
export async function trust(
  client: ClusterClient,
  registrations: readonly Registration[],
  trusted: readonly string[],
): Promise<string[]> {
  const patched: string[] = [];
  const failures: string[] = [];
  for (const registration of registrations) {
    const body = bundlePatch(registration, trusted);
    const name = registration.metadata?.name ?? "";
    if (body.length === 0) continue;
    try {
      await patch(client, name, body);
      patched.push(name);
    } catch (error) {
      failures.push(`MutatingWebhookConfiguration ${name}: ${describeError(error)}`);
    }
  }
  if (failures.length > 0) throw new Error(failures.join("; "));
  return patched;
}

/** Follows the registrations of a revision, its tags' too. */
export function followRegistrations(
  client: ClusterClient,
  labelSelector: string,
  trouble: (error: unknown) => void,
  changed: (registrations: readonly Registration[]) => void,
): Following {
  return follow<Registration>({
    config: client.config,
    path: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    list: () => client.registrations.listMutatingWebhookConfiguration({ labelSelector }),
    labelSelector,
    changed,
    trouble,
  });
}
