import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { issueServingCertificate } from "../../host/x509.ts";
import { dueStep, nextStepTime, type RotationPeriods, takeStep } from "./rotation.ts";
import { type Authorities, readAuthorities, secretData } from "./secret-data.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const periods: RotationPeriods = { authorityLifetimeMs: 90 * dayMs, overlapMs: dayMs };
const start = new Date("2026-01-01T00:00:00Z");
const after = (ms: number) => new Date(start.getTime() + ms);

test("the first authority is created, and trusted alone", async () => {
  assert.equal(dueStep(undefined, start, periods), "create");
  const { current, next, trusted } = await takeStep("create", undefined, start, periods);
  assert.equal(next, undefined);
  assert.deepEqual(trusted, [current.pem.certificate]);
});

test("a Secret gives back what was stored", async () => {
  const stored = await takeStep("create", undefined, start, periods);
  const both = await takeStep("announce", stored, after(60 * dayMs), periods);
  const read = await readAuthorities(secretData(both), "Secret a/b");
  assert.deepEqual(read?.trusted, both.trusted);
  assert.equal(read?.current.pem.certificate, both.current.pem.certificate);
  assert.equal(read?.next?.pem.privateKey, both.next?.pem.privateKey);
  assert.equal(await readAuthorities({}, "Secret a/b"), undefined);
});

test("a broken Secret is named", async () => {
  const data = secretData(await takeStep("create", undefined, start, periods));
  await assert.rejects(readAuthorities({ ...data, "tls.key": "" }, "Secret a/b"), /Secret a\/b holds no usable/);
  const broken = Buffer.from("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").toString("base64");
  await assert.rejects(readAuthorities({ ...data, "ca.crt": broken }, "Secret a/b"), /ca.crt that cannot be read/);
});

test("an expired authority is replaced at once", async () => {
  const stored = await takeStep("create", undefined, start, periods);
  assert.equal(dueStep(stored, after(91 * dayMs), periods), "create");
});

/** Whether a client that trusts `pems` accepts what `authorities` sign at that time. */
async function accepts(pems: readonly string[], { current }: Authorities, now: Date): Promise<boolean> {
  const leaf = await issueServingCertificate(current, { names: { dns: ["a"] }, lifetimeMs: dayMs, now });
  const certificate = new X509Certificate(leaf.certificate);
  return pems.some((pem) => certificate.verify(new X509Certificate(pem).publicKey));
}

test("over two years no client that is an hour behind refuses what is signed", async () => {
  let known = await takeStep("create", undefined, start, periods);
  const history: { readonly at: Date; readonly authorities: Authorities }[] = [{ at: start, authorities: known }];
  const steps: string[] = [];
  for (let now = start; now < after(730 * dayMs); now = new Date(now.getTime() + hourMs)) {
    const step = dueStep(known, now, periods);
    if (step === undefined) continue;
    steps.push(step);
    known = await takeStep(step, known, now, periods);
    history.push({ at: now, authorities: known });
    const behind = history.findLast(({ at }) => at.getTime() <= now.getTime() - hourMs) ?? history[0];
    assert.ok(await accepts(behind?.authorities.trusted ?? [], known, now), `${step} at ${now.toISOString()}`);
    // A leaf that was signed by the former authority a moment ago is still trusted.
    const former = history.at(-2)?.authorities;
    assert.ok(former && (await accepts(known.trusted, former, now)), `former after ${step}`);
  }
  assert.ok(steps.filter((step) => step === "promote").length >= 10);
  assert.ok(!steps.includes("create"));
  assert.ok(known.trusted.length <= 3, "former authorities are forgotten");
});

test("the time of the next step is known", async () => {
  const known = await takeStep("create", undefined, start, periods);
  assert.equal(dueStep(known, new Date(nextStepTime(known, periods).getTime() - 1), periods), undefined);
  assert.equal(dueStep(known, nextStepTime(known, periods), periods), "announce");
  const both = await takeStep("announce", known, after(60 * dayMs), periods);
  assert.equal(dueStep(both, new Date(nextStepTime(both, periods).getTime() - 1), periods), undefined);
  assert.equal(dueStep(both, nextStepTime(both, periods), periods), "promote");
});
