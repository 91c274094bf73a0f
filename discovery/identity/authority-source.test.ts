import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect, createServer } from "node:tls";
import { ApiException, type V1Secret } from "@kubernetes/client-node";
import { createAuthority, issueServingCertificate } from "../../host/x509.ts";
import { certificatesOf } from "../../mesh/pem.ts";
import { type AuthorityMaterial, authorityFiles, newServingRoot, servingFiles } from "./authority-files.ts";
import { type AuthoritySource, authorityFolder, storedAuthorities } from "./authority-source.ts";
import { materialSecret, type Secrets } from "./material-secret.ts";
import type { MaterialStore } from "./material-store.ts";
import type { MeshAuthority } from "./mesh-authority.ts";
import { readServingRoot } from "./read-authority.ts";

const hourMs = 3_600_000;
const place = "Secret outrigger-system/outrigger-discovery-ca";

/** Whether a server whose certificate an authority has signed is believed by those who know these roots only. */
async function isBelieved({ signer, chain }: MeshAuthority, roots: string): Promise<boolean> {
  const leaf = await issueServingCertificate(signer, { names: { dns: ["discovery"] }, lifetimeMs: hourMs });
  const server = createServer({ cert: `${leaf.certificate}${chain}`, key: leaf.privateKey });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: "127.0.0.1", port, ca: roots, servername: "discovery" }, () => resolve(true));
  socket.once("error", () => resolve(false));
  const believed = await promise;
  socket.destroy();
  server.close();
  return believed;
}

test("each root of discovery's is believed by those who know only one before it", async () => {
  const versions: MeshAuthority[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    versions.push(await readServingRoot(await newServingRoot(versions.at(-1)), { place }));
  }
  const own = versions.map(({ signer }) => signer.pem.certificate);
  for (const [index, authority] of versions.entries()) {
    for (const root of own.slice(0, index + 1)) assert.equal(await isBelieved(authority, root), true, `${index}`);
    for (const root of own.slice(index + 1)) assert.equal(await isBelieved(authority, root), false, `${index}`);
    assert.deepEqual(
      certificatesOf(authority.roots),
      own
        .slice(0, index + 1)
        .reverse()
        .flatMap(certificatesOf),
    );
  }
});

test("what has ended is neither sent nor published any more", async () => {
  const madeAt = new Date(Date.now() - 2 * hourMs);
  const ended = await createAuthority({ commonName: "Outrigger discovery", lifetimeMs: hourMs, now: madeAt });
  const before: MeshAuthority = { signer: ended, chain: "", roots: ended.pem.certificate };
  const material = await newServingRoot(before);
  assert.equal(certificatesOf(material.chain).length, 1);
  const { chain, roots } = await readServingRoot(material, { place });
  assert.deepEqual([chain, roots], ["", material.certificate]);
});

/** A cluster's Secrets, as far as they are used: versions, and what was written in between is refused. */
function fakeSecrets() {
  const secrets = new Map<string, V1Secret>();
  let version = 0;
  const fail = (code: number) => Promise.reject(new ApiException(code, `code ${code}`, {}, {}));
  const put = (name: string, { metadata, stringData = {}, data = {} }: V1Secret) => {
    version += 1;
    const added = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
    const secret = {
      metadata: { ...metadata, resourceVersion: String(version) },
      data: { ...data, ...Object.fromEntries(added) },
    };
    secrets.set(name, secret);
    return Promise.resolve(secret);
  };
  const api: Secrets = {
    readNamespacedSecret({ name }) {
      const found = secrets.get(name);
      return found === undefined ? fail(404) : Promise.resolve(found);
    },
    createNamespacedSecret: ({ body }) =>
      secrets.has(body.metadata?.name ?? "") ? fail(409) : put(body.metadata?.name ?? "", body),
    replaceNamespacedSecret: ({ name, body }) =>
      secrets.get(name)?.metadata?.resourceVersion === body.metadata?.resourceVersion ? put(name, body) : fail(409),
  };
  return { api, secrets };
}

/** A store that is looked at when the test says so. */
function byHand(store: MaterialStore): MaterialStore & { look(): Promise<void> } {
  let look: () => Promise<void> = async () => {};
  return {
    ...store,
    watch(given) {
      look = given;
      return () => undefined;
    },
    look: () => look(),
  };
}

interface Replica {
  readonly source: AuthoritySource;
  readonly changes: MeshAuthority[];
  readonly errors: string[];
  look(): Promise<void>;
}

async function replica(api: Secrets): Promise<Replica> {
  const namespace = "outrigger-system";
  const stores = [
    byHand(materialSecret({ api, namespace, name: "outrigger-ca", names: authorityFiles })),
    byHand(materialSecret({ api, namespace, name: "outrigger-discovery-ca", names: servingFiles })),
  ] as const;
  const source = await storedAuthorities(...stores, { trustDomain: "cluster.local", create: true });
  const changes: MeshAuthority[] = [];
  const errors: string[] = [];
  for (const followed of [source, source.serving]) {
    followed?.follow(
      (authority) => changes.push(authority),
      (error) => errors.push((error as Error).message),
    );
  }
  return { source, changes, errors, look: async () => void (await Promise.all(stores.map((store) => store.look()))) };
}

test("replicas that start at once have the same authorities", async () => {
  const { api } = fakeSecrets();
  const replicas = await Promise.all([replica(api), replica(api), replica(api)]);
  for (const { source } of replicas) {
    assert.equal(source.authority.roots, replicas[0]?.source.authority.roots);
    assert.equal(source.serving?.authority.roots, replicas[0]?.source.serving?.authority.roots);
  }
});

test("a root of discovery's that is deleted gets one successor, which the old one signs", async () => {
  const { api, secrets } = fakeSecrets();
  const replicas = await Promise.all([replica(api), replica(api)]);
  const old = replicas[0]?.source.serving?.authority.roots ?? "";
  secrets.delete("outrigger-discovery-ca");
  await Promise.all(replicas.map((one) => one.look()));
  const [one, two] = replicas.map(({ changes }) => changes.at(-1));
  assert.ok(one && two);
  assert.equal(one.roots, two.roots);
  assert.equal(certificatesOf(one.roots).length, 2);
  assert.ok(await isBelieved(one, old));
  await Promise.all(replicas.map((each) => each.look()));
  assert.deepEqual(
    replicas.map(({ changes, errors }) => [changes.length, errors]),
    [
      [1, []],
      [1, []],
    ],
  );
});

test("a root of discovery's gets a successor after two thirds of its life", async () => {
  const { api, secrets } = fakeSecrets();
  const first = await replica(api);
  await first.look();
  assert.equal(first.changes.length, 0);
  const madeAt = new Date(Date.now() - 7 * hourMs);
  const old = await createAuthority({ commonName: "Outrigger discovery", lifetimeMs: 10 * hourMs, now: madeAt });
  const material: AuthorityMaterial = { ...old.pem, chain: "", roots: old.pem.certificate };
  const entries = Object.entries(servingFiles) as [keyof AuthorityMaterial, string][];
  const data = Object.fromEntries(entries.map(([part, key]) => [key, Buffer.from(material[part]).toString("base64")]));
  secrets.set("outrigger-discovery-ca", { metadata: { name: "outrigger-discovery-ca", resourceVersion: "old" }, data });
  const replicas = await Promise.all([replica(api), replica(api), replica(api)]);
  const [early, late, last] = replicas;
  await Promise.all([early?.look(), late?.look()]);
  await last?.look();
  await early?.look();
  for (const { changes } of replicas) assert.equal(changes.length, 1);
  const [one, two, three] = replicas.map(({ changes }) => changes.at(-1));
  assert.ok(one && two);
  assert.deepEqual([two.roots, three?.roots], [one.roots, one.roots]);
  assert.ok(one.signer.notAfter > old.notAfter);
  assert.ok(await isBelieved(one, old.pem.certificate));
});

test("the mesh's authority is never made anew under a running mesh, and its absence is told once", async () => {
  const { api, secrets } = fakeSecrets();
  const one = await replica(api);
  const kept = secrets.get("outrigger-ca");
  secrets.delete("outrigger-ca");
  await one.look();
  await one.look();
  assert.equal(one.errors.length, 1);
  assert.match(one.errors[0] ?? "", /Secret outrigger-system\/outrigger-ca ca-cert.pem is not there; put it back/);
  if (kept) secrets.set("outrigger-ca", kept);
  await one.look();
  assert.deepEqual([one.errors.length, one.changes.length], [1, 0]);
});

test("a bad Secret is refused once for each content, and a good one counts again", async () => {
  const { api, secrets } = fakeSecrets();
  const one = await replica(api);
  const good = secrets.get("outrigger-ca") ?? {};
  secrets.set("outrigger-ca", { ...good, data: { ...good.data, "ca-key.pem": "" } });
  await one.look();
  await one.look();
  secrets.set("outrigger-ca", { ...good, data: { ...good.data, "root-cert.pem": "" } });
  await one.look();
  assert.equal(one.errors.length, 2);
  assert.match(one.errors[0] ?? "", /outrigger-ca ca-key.pem is missing or empty/);
  assert.match(one.errors[1] ?? "", /outrigger-ca root-cert.pem holds no certificate/);
  const other = await createAuthority({ commonName: "other", lifetimeMs: hourMs });
  const roots = Buffer.from(other.pem.certificate).toString("base64");
  const data = { "ca-cert.pem": roots, "ca-key.pem": Buffer.from(other.pem.privateKey).toString("base64") };
  secrets.set("outrigger-ca", { ...good, data: { ...data, "root-cert.pem": roots } });
  await one.look();
  assert.equal(one.changes.at(-1)?.signer.pem.privateKey, other.pem.privateKey);
});

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-authorities-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("a folder is filled, followed, and its deleted root succeeded", async (t) => {
  const folder = folderOf(t);
  const source = await authorityFolder(folder, "cluster.local", true);
  const { serving } = source;
  assert.ok(serving);
  t.after(() => serving.close());
  const changed = new Promise<MeshAuthority>((resolve, reject) => serving.follow(resolve, reject));
  unlinkSync(join(folder, servingFiles.certificate));
  const next = await changed;
  assert.ok(await isBelieved(next, serving.authority.roots));
  assert.equal(readFileSync(join(folder, servingFiles.roots), "utf8"), next.roots);
});

test("a folder without discovery's own root leaves it to the mesh's authority", async (t) => {
  const folder = folderOf(t);
  await assert.rejects(authorityFolder(folder, "cluster.local", false), /ca-cert.pem is not there/);
  const { pem } = await createAuthority({ commonName: "root", lifetimeMs: hourMs });
  writeFileSync(join(folder, "ca-cert.pem"), pem.certificate);
  writeFileSync(join(folder, "ca-key.pem"), pem.privateKey);
  writeFileSync(join(folder, "root-cert.pem"), pem.certificate);
  assert.equal((await authorityFolder(folder, "cluster.local", false)).serving, undefined);
});
