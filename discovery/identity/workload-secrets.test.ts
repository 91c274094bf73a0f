import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthority } from "../../host/x509.ts";
import { createWorkloadSecrets } from "./workload-secrets.ts";

test("each workload of a service account has a certificate of its own, which its Pods share", async (t) => {
  const signer = await createAuthority({ commonName: "root", lifetimeMs: 3_600_000 });
  const secrets = createWorkloadSecrets({
    authority: { signer, chain: "", roots: signer.pem.certificate },
    trustDomain: "cluster.local",
    lifetimeMs: 3_600_000,
    onChange() {},
    onFailure: (_, error) => assert.fail(error as Error),
  });
  t.after(() => secrets.close());
  const account = { namespace: "shop", serviceAccount: "default" };
  const [one, same, other] = await Promise.all(
    ["till/till/v1", "till/till/v1", "till/till/v2"].map((workload) => secrets.of({ ...account, workload })),
  );
  assert.ok(one && same && other);
  assert.equal(one.set, same.set);
  assert.notEqual(one.set, other.set);
  // Which of the two is signed first is chance.
  assert.deepEqual([...secrets.expiries().keys()].sort(), ["shop/default/till/till/v1", "shop/default/till/till/v2"]);
  const next = await createAuthority({ commonName: "next root", lifetimeMs: 3_600_000 });
  const before = [...other.set.values()].map(({ version }) => version);
  await secrets.replaceAuthority({ signer: next, chain: "", roots: next.pem.certificate });
  assert.ok([...other.set.values()].every(({ version }) => !before.includes(version)));
  one.release();
  assert.equal(secrets.expiries().size, 2);
  same.release();
  assert.deepEqual([...secrets.expiries().keys()], ["shop/default/till/till/v2"]);
  other.release();
});
