import assert from "node:assert/strict";
import { generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { execa } from "execa";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { findResource } from "../../deploy/cluster/resources.ts";
import { at, certificateOf, type JsonValue, text } from "../../discovery/inspect/config-dump.ts";
import { podCertificate } from "../../mesh/envoy/pod-certificate.ts";
import { asked, auditOf, podOf } from "./audit.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import { isReady, type Pod } from "./pod.ts";
import { startRequests } from "./requests.ts";
import { get, requestSeen } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appPod, appService } from "./workload.ts";

// Where the cluster offers Pod certificates: the kubelet makes sidecars' keys, and discovery signs.

const signerName = `outrigger.dev/${systemNamespace}`;
const kind = "PodCertificateRequest";
let cluster: Cluster;
let apiVersion: string | undefined;

before(async () => {
  cluster = await connect();
  for (const version of ["v1beta1", "v1alpha1"]) {
    const found = await findResource(cluster.api, `certificates.k8s.io/${version}`, kind);
    if (found !== undefined) apiVersion ??= `certificates.k8s.io/${version}`;
  }
  if (apiVersion !== undefined) await installed(cluster, { discovery: { podCertificates: true } });
});

interface Request extends KubernetesObject {
  readonly spec: { readonly podName: string; readonly signerName: string; readonly nodeName: string };
  readonly status?: {
    readonly certificateChain?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  };
}

function conditionOf({ status }: Request): string | undefined {
  return status?.conditions?.[0]?.type;
}

/** The requests for a Pod's certificates, oldest first. */
async function requestsOf(pod: Pod): Promise<Request[]> {
  const all = await cluster.list<Request>(apiVersion ?? "", kind, { namespace: pod.metadata.namespace ?? "" });
  const age = ({ metadata }: Request) => String(metadata.creationTimestamp);
  const own = all.filter(({ spec }) => spec.podName === pod.metadata.name);
  return own.sort((one, other) => (age(one) < age(other) ? -1 : 1));
}

/** The serial numbers of what was issued to a Pod. */
async function issuedTo(pod: Pod): Promise<string[]> {
  const chains = (await requestsOf(pod)).map(({ status }) => status?.certificateChain);
  return chains.flatMap((chain) => (chain === undefined ? [] : [new X509Certificate(chain).serialNumber]));
}

/** A Pod's own secret, as its Envoy shows it. */
async function secretOf({ metadata }: Pod): Promise<JsonValue> {
  const command = join(import.meta.dirname, "..", "..", "bin", "outrigger");
  const args = ["proxy-config", `${metadata.name}.${metadata.namespace}`, "secrets", "-o", "json"];
  const secrets = JSON.parse((await execa(command, args)).stdout) as JsonValue[];
  const own = secrets.find((secret) => text(at(secret, "name")) === "default");
  assert.ok(own !== undefined);
  return own;
}

async function serialInUse(pod: Pod): Promise<string | undefined> {
  return certificateOf(await secretOf(pod))?.serialNumber;
}

/** A server that runs as an account of its own, and a client that asks it all the time. */
async function mesh(t: TestContext) {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const service = appService(namespace, "server");
  await cluster.apply([
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "server", namespace } },
    appPod(namespace, "server", { spec: { serviceAccountName: "server" } }),
    // While a kubelet starts anew it calls its Pods not ready, which is not what this is about.
    { ...service, spec: { ...(service.spec as object), publishNotReadyAddresses: true } },
  ]);
  const server = await cluster.readyPod(namespace, "app=server");
  const requests = await startRequests(cluster, namespace);
  await until("answers", async () => (await requests.more(5)).answered.length > 0);
  return { namespace, server, requests, client: requests.client };
}

/** A Pod outside the mesh that has a certificate of the mesh's for itself. */
function ownVolume(keyType: string) {
  const source = { signerName, keyType, keyPath: "key.pem", certificateChainPath: "chain.pem" };
  return { spec: { volumes: [{ name: "identity", projected: { sources: [{ podCertificate: source }] } }] } };
}

async function answered(pod: Pod): Promise<Request> {
  return await until(`answered request of ${pod.metadata.name}`, async () =>
    (await requestsOf(pod)).find((request) => conditionOf(request) !== undefined),
  );
}

test("a sidecar's key is the kubelet's, and discovery certifies it", async (t) => {
  if (apiVersion === undefined) return t.skip("the cluster offers no PodCertificateRequests");
  const { namespace, server, client, requests } = await mesh(t);

  await t.test("each Pod is who it is by what its kubelet asked for", async () => {
    for (const pod of [server, client]) {
      const [request, ...more] = await requestsOf(pod);
      assert.deepEqual(more, []);
      assert.ok(request !== undefined);
      assert.equal(conditionOf(request), "Issued");
      assert.equal(await serialInUse(pod), new X509Certificate(request.status?.certificateChain ?? "").serialNumber);
    }
    const { headers } = requestSeen(await get(cluster, client, `http://server.${namespace}/`));
    const [certificate = ""] = headers["X-Forwarded-Client-Cert"] ?? [];
    assert.match(certificate, new RegExp(`URI=spiffe://cluster.local/ns/${namespace}/sa/default`));
  });

  await t.test("no key came from discovery, and none is shown", async () => {
    const secret = await secretOf(client);
    assert.equal(text(at(secret, "secret", "tls_certificate", "watched_directory", "path")), podCertificate.folder);
    const shown = text(at(secret, "secret", "tls_certificate", "certificate_chain", "inline_bytes"));
    assert.doesNotMatch(Buffer.from(shown, "base64").toString(), /PRIVATE KEY/);
  });

  await t.test("a new key and certificate are taken up, and no request fails", async (t) => {
    const { machine } = cluster;
    if (machine === undefined)
      return t.skip("a kubelet asks anew when it starts, or hours later: needs the test machine");
    const before = [await serialInUse(server), await serialInUse(client)];
    await requests.since();
    await machine.program("kill", "kubelet");
    await machine.program("start", "kubelet");
    for (const [index, pod] of [server, client].entries()) {
      await until(
        `another certificate of ${pod.metadata.name}`,
        async () => {
          const serial = await serialInUse(pod);
          return serial !== before[index] && (await issuedTo(pod)).at(-1) === serial;
        },
        { timeoutMs: 300_000, intervalMs: 500 },
      );
    }
    assert.deepEqual((await requests.more()).failed, []);
  });
});

test("what is asked for in another way is refused, and says why", async (t) => {
  if (apiVersion === undefined) return t.skip("the cluster offers no PodCertificateRequests");
  const namespace = await cluster.namespace(t);
  await cluster.apply([
    appPod(namespace, "victim"),
    appPod(namespace, "other-curve", ownVolume("ECDSAP384")),
    appPod(namespace, "other-key", ownVolume("ED25519")),
  ]);

  await t.test("by somebody who is no kubelet", async () => {
    const victim = await cluster.readyPod(namespace, "app=victim");
    const forged = await forgedRequest(victim);
    await assert.rejects(cluster.create(forged), /only the kubelet of a Pod's node may ask/);
  });

  await t.test("with a key that not every Envoy can check, and with one that it can", async () => {
    const podNamed = (name: string) =>
      cluster.read<Pod>({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace } });
    const [refused, taken] = [await podNamed("other-key"), await podNamed("other-curve")];
    assert.ok(refused !== undefined && taken !== undefined);
    const [condition] = (await answered(refused)).status?.conditions ?? [];
    assert.equal(condition?.type, "Denied");
    assert.equal(condition.reason, "UnsupportedKeyType");
    assert.match(condition.message, /keyType to one of ECDSAP256/);
    const { subjectAltName = "", raw } = new X509Certificate((await answered(taken)).status?.certificateChain ?? "");
    assert.equal(subjectAltName.split(", ")[0], `URI:spiffe://cluster.local/ns/${namespace}/sa/default`);
    assert.ok(raw.includes("other-curve/other-curve/latest"), "the workload's name");
  });
});

test("discovery asks for nothing that it may not do", async (t) => {
  const { machine } = cluster;
  if (apiVersion === undefined || machine === undefined) return t.skip("only the test machine keeps an audit log");
  const namespace = await cluster.namespace(t);
  const [asking] = await cluster.apply([appPod(namespace, "asking", ownVolume("ECDSAP256"))]);
  await answered(asking as Pod);
  const pods = await cluster.list<Pod>("v1", "Pod", { namespace: systemNamespace, labels: "app=outrigger-discovery" });
  const names = new Set(pods.filter(isReady).map(({ metadata }) => metadata.name));
  const events = (await auditOf(machine, systemNamespace, "outrigger-discovery")).filter((event) =>
    names.has(podOf(event)),
  );
  assert.deepEqual([...asked(events.filter(({ responseStatus }) => responseStatus?.code === 403))], []);
  for (const request of ["list", "watch", "update"]) {
    assert.ok(asked(events).has(`${request} podcertificaterequests`), request);
  }
});

/** A request as a kubelet makes it, with a proof of possession that the API server takes, made by somebody else. */
async function forgedRequest(pod: Pod): Promise<KubernetesObject> {
  const uidOf = async (object: KubernetesObject) => (await cluster.read(object))?.metadata.uid;
  const { namespace = "" } = pod.metadata;
  const nodeName = String(pod.spec.nodeName);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    apiVersion: apiVersion ?? "",
    kind,
    metadata: { name: "forged", namespace },
    spec: {
      signerName,
      podName: pod.metadata.name,
      podUID: pod.metadata.uid,
      serviceAccountName: "default",
      serviceAccountUID: await uidOf({
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "default", namespace },
      }),
      nodeName,
      nodeUID: await uidOf({ apiVersion: "v1", kind: "Node", metadata: { name: nodeName } }),
      pkixPublicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
      proofOfPossession: sign("sha256", Buffer.from(String(pod.metadata.uid)), privateKey).toString("base64"),
    },
  };
}
