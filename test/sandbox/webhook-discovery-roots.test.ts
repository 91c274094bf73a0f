import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAuthority } from "../../host/x509.ts";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { mount, startWebhook, type WebhookProcess } from "./webhook-process.ts";

const file = "discovery-ca-cert.pem";
const review = JSON.stringify(reviewOf(deploymentPod));
const rootOf = async (commonName: string) =>
  (await createAuthority({ commonName, lifetimeMs: 3_600_000 })).pem.certificate;

/** The roots in the bootstrap of a Pod that is injected now. */
async function injectedRoots(webhook: WebhookProcess): Promise<string> {
  const { response } = JSON.parse((await webhook.post(review)).body) as { response: { patch: string } };
  const patch = Buffer.from(response.patch, "base64").toString();
  const [, roots = ""] = /root_certs[^-]+inline_string[^-]+?(-----BEGIN[^"]*-----)/.exec(patch) ?? [];
  return roots.replaceAll(/(\\)+n/g, "\n");
}

test("new Pods get a new root of the control plane's as it is published, and never a bad one", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-roots-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [old, next] = [await rootOf("old"), await rootOf("next")];
  mount(folder, { [file]: old });
  const flags = ["--discovery-address", "discovery.example.svc:15012", "--discovery-ca", join(folder, file)];
  const webhook = await startWebhook(t, flags);
  assert.equal(await injectedRoots(webhook), old.trim());

  const publish = async (text: string, message: string) => {
    const seen = webhook.log.length;
    mount(folder, { [file]: text });
    return await webhook.logged(message, seen);
  };
  await publish(`${next}${old}`, "configuration loaded");
  assert.equal(await injectedRoots(webhook), `${next}${old}`.trim());

  const { reason } = await publish("", "configuration refused; the one before stays");
  assert.match(String(reason), new RegExp(`${file} holds no certificate; give certificates of authorities as PEM`));
  assert.equal(await injectedRoots(webhook), `${next}${old}`.trim());
  const { body: metrics } = await webhook.get("/metrics");
  assert.match(metrics, /outrigger_webhook_configuration_loads_total\{result="refused"\} 1/);

  await publish(next, "configuration loaded");
  assert.equal(await injectedRoots(webhook), next.trim());
});
