import type { InstallSettings } from "../settings.ts";
import { discoveryAddress, discoveryRootKey, hasDiscovery, podCertificateSigner } from "./discovery-names.ts";
import { authoritySecretName, configurationName, webhookName, webhookPorts } from "./names.ts";

/** Where the certificate comes from: files that cert-manager keeps, or the webhook itself. */
function certificateArguments(settings: InstallSettings, certificateFolder: string): string[] {
  if (settings.certificates.from === "cert-manager") {
    return [`--tls-cert=${certificateFolder}/tls.crt`, `--tls-key=${certificateFolder}/tls.key`];
  }
  return [
    "--self-managed-certificate",
    `--service=${webhookName(settings)}`,
    `--authority-secret=${authoritySecretName}`,
  ];
}

/** Where files are mounted. */
export interface ArgumentFolders {
  readonly certificate: string;
  readonly discovery: string;
}

/** The command line of the webhook's container. */
export function webhookArguments(settings: InstallSettings, folders: ArgumentFolders): string[] {
  const { cni, images, injection, revision, webhook } = settings;
  return [
    "webhook",
    `--port=${webhookPorts.container}`,
    ...certificateArguments(settings, folders.certificate),
    `--config-map=${configurationName(settings)}`,
    "--watch-nodes",
    "--watch-proxy-configs",
    `--revision=${revision}`,
    `--profile=${injection.profile}`,
    `--native-sidecars=${injection.nativeSidecars}`,
    `--platform=${injection.platform}`,
    `--cni=${cni.enabled}`,
    `--discovery=${hasDiscovery(settings)}`,
    `--discovery-address=${discoveryAddress(settings)}`,
    `--discovery-ca=${folders.discovery}/${discoveryRootKey}`,
    `--pod-certificates=${settings.discovery.podCertificates}`,
    `--pod-certificate-signer=${podCertificateSigner(settings)}`,
    `--init-image=${images.init}`,
    `--proxy-image=${images.proxy}`,
    `--log-level=${webhook.logLevel}`,
  ];
}
