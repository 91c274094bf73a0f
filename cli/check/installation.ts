import { lastEnd } from "../../host/last-end.ts";
import { splitPem } from "../../webhook/authority/secret-data.ts";
import type { Finding } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

const oldestMinor = 30;
const weekMs = 7 * 24 * 3_600_000;

/** The cluster itself: its version, what it offers, and what the caller may do. */
export function checkCluster({ version, offersPodCertificates, forbidden, revisions }: Snapshot): Finding[] {
  const asking = revisions.filter(({ rulebook }) => rulebook.settings.envoy.podCertificateSigner !== undefined);
  const inVain = offersPodCertificates ? [] : asking;
  const old = Number(version.major) === 1 && Number.parseInt(version.minor, 10) < oldestMinor;
  return [
    ...(old ? [{ code: "OC101", object: "API server", message: `it is ${version.gitVersion}` } as const] : []),
    ...inVain.map(({ name }) => {
      const message = `it offers no PodCertificateRequests, which the revision ${name} asks for`;
      return { code: "OC103", object: "API server", message } as const;
    }),
    ...forbidden.map((action) => ({ code: "OC102", object: "permissions", message: `you may not ${action}` }) as const),
  ];
}

/** The webhook of each revision: that it runs, is registered, and is reached. */
export function checkWebhooks({ revisions, trials }: Snapshot): Finding[] {
  if (revisions.length === 0) return [{ code: "OC201", object: "cluster", message: "Outrigger is not installed" }];
  return revisions.flatMap(({ name, namespace, deployment, registrations }, index): Finding[] => {
    const object = `Deployment ${namespace}/${deployment.metadata.name}`;
    const findings: Finding[] = [];
    if ((deployment.status?.availableReplicas ?? 0) === 0) {
      findings.push({ code: "OC202", object, message: "no replica is available" });
    }
    if (registrations.length === 0) {
      findings.push({ code: "OC203", object, message: `the revision ${name} has no MutatingWebhookConfiguration` });
    }
    const trial = trials[index];
    if (trial?.outcome === "no sidecar" && registrations.length > 0) {
      findings.push({ code: "OC204", object, message: `a Pod tried in namespace ${trial.namespace} got no sidecar` });
    }
    if (trial?.outcome === "refused") findings.push({ code: "OC205", object, message: trial.message });
    return findings;
  });
}

function bundleFindings(object: string, bundle: readonly string[], wanted: readonly string[]): Finding[] {
  const missing = wanted.filter((pem) => !bundle.includes(pem));
  if (bundle.length === 0) return [{ code: "OC301", object, message: "its caBundle is empty" }];
  if (missing.length === 0) return [];
  return [{ code: "OC301", object, message: "its caBundle lacks an authority that the webhook's Secret has" }];
}

function expiryFindings(object: string, bundle: readonly string[], now: Date): Finding[] {
  if (bundle.length === 0) return [];
  const end = lastEnd(bundle);
  if (end.getTime() > now.getTime() + weekMs) return [];
  const code = end <= now ? "OC302" : "OC303";
  return [{ code, object, message: `its caBundle is valid until ${end.toISOString()}` }];
}

/** Certificates: that registrations trust what the webhook serves, and for how long. */
export function checkCertificates({ revisions, authorities }: Snapshot, now: Date): Finding[] {
  return revisions.flatMap(({ name, registrations }) => {
    const wanted = splitPem(authorities.get(name) ?? "");
    return registrations.flatMap(({ metadata, webhooks = [] }) => {
      const object = `MutatingWebhookConfiguration ${metadata.name}`;
      const text = webhooks[0]?.clientConfig?.caBundle ?? "";
      const bundle = splitPem(Buffer.from(text, "base64").toString("utf8"));
      return [...bundleFindings(object, bundle, wanted), ...expiryFindings(object, bundle, now)];
    });
  });
}
