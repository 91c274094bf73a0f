import type { InstallSettings } from "../settings.ts";
import { webhookPorts } from "./names.ts";

/** The command line of the webhook's container. */
export function webhookArguments(settings: InstallSettings, certificateFolder: string): string[] {
  const { images, injection, revision, webhook } = settings;
  return [
    "webhook",
    `--port=${webhookPorts.container}`,
    `--tls-cert=${certificateFolder}/tls.crt`,
    `--tls-key=${certificateFolder}/tls.key`,
    `--revision=${revision}`,
    `--profile=${injection.profile}`,
    `--native-sidecars=${injection.nativeSidecars}`,
    `--init-image=${images.init}`,
    `--proxy-image=${images.proxy}`,
    `--log-level=${webhook.logLevel}`,
  ];
}
