import type { ICertificate, IIssuer } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import type { InstallSettings } from "../settings.ts";
import { certificateSecretName, commonLabels, webhookName } from "./names.ts";

type CertManagerSettings = Extract<InstallSettings["certificates"], { from: "cert-manager" }>;

/** Not the name of the Secret in which the webhook keeps an authority of its own. */
function issuerName(settings: InstallSettings): string {
  return `${webhookName(settings)}-issuer`;
}

/** Root, then what it signs: the certificate's own issuer must be able to sign more than itself. */
function ownIssuers(settings: InstallSettings): (IIssuer | ICertificate)[] {
  const name = webhookName(settings);
  const { namespace } = settings;
  const labels = commonLabels(settings);
  const root = `${name}-root`;
  const authority = issuerName(settings);
  return [
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Issuer",
      metadata: { name: root, namespace, labels },
      spec: { selfSigned: {} },
    },
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: { name: authority, namespace, labels },
      spec: {
        isCA: true,
        commonName: `${name}.${namespace}`,
        secretName: authority,
        duration: "87600h",
        renewBefore: "8760h",
        privateKey: { algorithm: "ECDSA", size: 256 },
        issuerRef: { group: "cert-manager.io", kind: "Issuer", name: root },
      },
    },
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Issuer",
      metadata: { name: authority, namespace, labels },
      spec: { ca: { secretName: authority } },
    },
  ];
}

function servingCertificate(settings: InstallSettings, { issuer }: CertManagerSettings): ICertificate {
  const name = webhookName(settings);
  const { namespace } = settings;
  const secretName = certificateSecretName(settings);
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name: secretName, namespace, labels: commonLabels(settings) },
    spec: {
      secretName,
      dnsNames: [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`],
      duration: "2160h",
      renewBefore: "720h",
      privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
      usages: ["digital signature", "server auth"],
      issuerRef: { group: "cert-manager.io", ...(issuer ?? { kind: "Issuer", name: issuerName(settings) }) },
    },
  };
}

/** What cert-manager needs to make the webhook's certificate; nothing when the webhook makes it itself. */
export function certManagerObjects(settings: InstallSettings): (IIssuer | ICertificate)[] {
  const { certificates } = settings;
  if (certificates.from !== "cert-manager") return [];
  const issuers = certificates.issuer === undefined ? ownIssuers(settings) : [];
  return [...issuers, servingCertificate(settings, certificates)];
}
