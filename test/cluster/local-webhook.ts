import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createAuthority } from "../../host/x509.ts";
import { newLeaf, startCommand, webhookClient } from "../sandbox/webhook-process.ts";

/** Starts `outrigger webhook` beside the spec, with a certificate in files; it follows the cluster as the flags say. */
export async function startLocalWebhook(
  t: TestContext,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-webhook-files-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = await createAuthority({ commonName: "test", lifetimeMs: 3_600_000 });
  const leaf = await newLeaf(authority);
  const [certificate, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  writeFileSync(certificate, leaf.certificate);
  writeFileSync(key, leaf.privateKey);
  const files = ["--tls-cert", certificate, "--tls-key", key];
  const command = await startCommand(t, [...files, ...flags], { POD_NAME: "webhook-1", ...environment });
  return { ...command, ...webhookClient(command.port, authority.pem.certificate) };
}
