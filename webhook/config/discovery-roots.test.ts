import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthority, issueServingCertificate } from "../../host/x509.ts";
import { checkRoots } from "./discovery-roots.ts";

const hourMs = 3_600_000;
const now = new Date("2026-06-01T00:00:00Z");
const rootOf = async (madeAt: Date) => await createAuthority({ commonName: "root", lifetimeMs: hourMs, now: madeAt });
const check = (text: string) => checkRoots({ name: "roots.pem", text }, now);

test("roots are taken, an old one beside a new one too, and what stands around them is left out", async () => {
  const current = (await rootOf(now)).pem.certificate;
  const ended = (await rootOf(new Date(now.getTime() - 2 * hourMs))).pem.certificate;
  assert.equal(check(`# the mesh's\n${current}\n${ended}`), `${current}${ended}`);
});

test("what would leave a sidecar without a root is refused with the file and the reason", async () => {
  const root = await rootOf(now);
  const ended = (await rootOf(new Date(now.getTime() - 2 * hourMs))).pem.certificate;
  const leaf = await issueServingCertificate(root, { names: { dns: ["x"] }, lifetimeMs: hourMs, now });
  const cut = root.pem.certificate.replace(/\n[A-Za-z0-9+/]{20}/, "\n");
  const cases: readonly (readonly [text: string, reason: RegExp])[] = [
    ["", /roots.pem holds no certificate; give certificates/],
    ["hello", /holds no certificate/],
    [root.pem.privateKey, /holds no certificate/],
    [cut, /holds a certificate that cannot be read/],
    [`${root.pem.certificate}${leaf.certificate}`, /holds a certificate that is no authority's/],
    [ended, /holds no root that is valid: the last one ended at 2026-05-31T23:00:00.000Z/],
  ];
  for (const [text, reason] of cases) assert.throws(() => check(text), reason);
});
