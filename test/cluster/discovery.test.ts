import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, type TestContext, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { adsService } from "../../discovery/ads/server.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../discovery/proto/envoy/service/discovery/v3/discovery_pb.js";
import { type ResourceKind, typeUrls } from "../../discovery/translate/resource.ts";
import { tokenAudience } from "../../mesh/envoy/discovery.ts";
import { type Cluster, connect } from "./cluster.ts";
import { until } from "./waiting.ts";

// Discovery as a process beside the cluster: the API server's own objects, watches, token reviews and Secrets.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
});

interface Discovery {
  readonly port: number;
  readonly root: Buffer;
}

async function startDiscovery(t: TestContext, namespace: string): Promise<Discovery> {
  const command = join(import.meta.dirname, "..", "..", "bin", "outrigger");
  const args = [
    "--address",
    "127.0.0.1",
    "--port",
    "0",
    "--http-port",
    "0",
    "--drain",
    "0",
    "--serving-name",
    "localhost",
  ];
  const child = spawn(command, ["discovery", ...args, "--root-namespace", namespace], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill());
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port: number };
    if (msg !== "listening") continue;
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "outrigger-discovery-ca", namespace } };
    const found = await cluster.read<KubernetesObject & { data: Record<string, string> }>(secret);
    return { port, root: Buffer.from(found?.data["discovery-ca-cert.pem"] ?? "", "base64") };
  }
  throw new Error("discovery ended before it listened");
}

async function token(namespace: string, audience: string, pod?: { name: string; uid: string }): Promise<string> {
  const spec = { audiences: [audience], ...(pod && { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...pod } }) };
  const { body } = await cluster.api.request<{ status: { token: string } }>({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`,
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
  });
  return body.status.token;
}

/** A stream that keeps the size of what it was told of, by kind and name, and acknowledges everything. */
function openStream(t: TestContext, { port, root }: Discovery, bearer: string) {
  const client = new Client(`localhost:${port}`, credentials.createSsl(root), { "grpc.use_local_subchannel_pool": 1 });
  t.after(() => client.close());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${bearer}`);
  const { path, requestSerialize, responseDeserialize } = adsService.delta;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const sizes = new Map<string, number>();
  const { promise: ended, resolve } = Promise.withResolvers<status>();
  call.on("error", () => {});
  call.on("status", ({ code }: StatusObject) => resolve(code));
  const send = (kind: ResourceKind, subscribe: readonly string[] = [], nonce = "") =>
    call.write(
      toBinary(
        DeltaDiscoveryRequestSchema,
        create(DeltaDiscoveryRequestSchema, {
          typeUrl: typeUrls[kind],
          resourceNamesSubscribe: [...subscribe],
          responseNonce: nonce,
        }),
      ),
    );
  call.on("data", (bytes: Uint8Array) => {
    const response = fromBinary(DeltaDiscoveryResponseSchema, bytes);
    const kind = (Object.keys(typeUrls) as ResourceKind[]).find((each) => typeUrls[each] === response.typeUrl);
    if (kind === undefined) return;
    for (const { name, resource } of response.resources) sizes.set(`${kind} ${name}`, resource?.value.length ?? 0);
    for (const name of response.removedResources) sizes.delete(`${kind} ${name}`);
    send(kind, [], response.nonce);
  });
  return { sizes, ended, send };
}

const pause = { name: "app", image: "registry.invalid/app:1" };

test("Kubernetes says who a proxy is and what there is to know", async (t) => {
  const namespace = await cluster.namespace(t);
  const discovery = await startDiscovery(t, namespace);
  const { object: pod } = await cluster.create<KubernetesObject & { metadata: { uid: string } }>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace, labels: { app: "web" } },
    spec: { containers: [pause] },
  });
  const bound = { name: "web-1", uid: pod.metadata.uid };

  await t.test("a Pod's own token opens a stream, others do not", async () => {
    const codes = async (bearer: string) => await openStream(t, discovery, bearer).ended;
    assert.equal(await codes(await token(namespace, "kubernetes", bound)), status.UNAUTHENTICATED);
    assert.equal(await codes(await token(namespace, tokenAudience)), status.PERMISSION_DENIED);
    const good = await token(namespace, tokenAudience, bound);
    assert.equal(await codes(`${good.slice(0, -4)}AAAA`), status.UNAUTHENTICATED);
  });

  const stream = openStream(t, discovery, await token(namespace, tokenAudience, bound));
  stream.send("clusters");
  const service: KubernetesObject = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace },
    spec: { selector: { app: "nothing" }, ports: [{ name: "http", port: 80 }] },
  };
  const name = `outbound|80||web.${namespace}.svc.cluster.local`;

  await t.test("Services and endpoints come and go as the API server has them", async () => {
    await cluster.apply([service]);
    await until("the Service's cluster", async () => stream.sizes.has(`clusters ${name}`));
    stream.send("endpoints", [name]);
    await until("its endpoints", async () => stream.sizes.has(`endpoints ${name}`));
    const empty = stream.sizes.get(`endpoints ${name}`) ?? 0;
    await cluster.apply([
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "web-by-hand", namespace, labels: { "kubernetes.io/service-name": "web" } },
        addressType: "IPv4",
        ports: [{ name: "http", port: 8080 }],
        endpoints: [{ addresses: ["10.1.2.3"], conditions: { ready: true } }],
      } as unknown as KubernetesObject,
    ]);
    await until("an endpoint", async () => (stream.sizes.get(`endpoints ${name}`) ?? 0) > empty);
    await cluster.delete(service);
    await until("the end of the cluster", async () => !stream.sizes.has(`clusters ${name}`));
  });

  await t.test("the authority stands in a Secret, which another replica reads", async () => {
    const other = await startDiscovery(t, namespace);
    assert.deepEqual(other.root, discovery.root);
  });

  await t.test("the stream ends with the Pod", async () => {
    await cluster.delete(pod);
    assert.equal(await stream.ended, status.PERMISSION_DENIED);
  });
});
