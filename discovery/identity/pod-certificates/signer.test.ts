import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { afterEach, describe, it } from "node:test";
import { createAuthority } from "../../../host/x509.ts";
import { type Workload, workloadFrom } from "../../registry/workload.ts";
import type { PodCertificateRequest } from "./request.ts";
import { createPodCertificateSigner, type PodCertificateRequests, type SignerEvents } from "./signer.ts";

const signerName = "outrigger.dev/mesh";
const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pkixPublicKey = publicKey.export({ format: "der", type: "spki" }).toString("base64");
const authority = await createAuthority({ commonName: "root", lifetimeMs: 365 * 24 * 3_600_000 });

/** The requests as an API server keeps them: an answer is taken for the version that it was made for, and no other. */
function apiServer() {
  const objects = new Map<string, PodCertificateRequest>();
  const followers = new Set<(all: readonly PodCertificateRequest[]) => void>();
  let version = 0;
  let failures = 0;
  let underWay = 0;
  let mostUnderWay = 0;
  const tell = () =>
    setImmediate(() => {
      for (const changed of followers) changed([...objects.values()]);
    });
  const put = (object: PodCertificateRequest) => {
    version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    objects.set(object.metadata?.uid ?? "", { ...object, metadata });
    tell();
  };
  const requests: PodCertificateRequests = {
    follow(changed) {
      followers.add(changed);
      tell();
      return { stop: () => void followers.delete(changed) };
    },
    async answer(request, status) {
      underWay += 1;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      if (failures > 0) {
        failures -= 1;
        throw new Error("away");
      }
      const stored = objects.get(request.metadata?.uid ?? "");
      if (stored?.metadata?.resourceVersion !== request.metadata?.resourceVersion) return "taken";
      put({ ...request, status });
      return "written";
    },
  };
  return {
    requests,
    put,
    conditions: () => [...objects.values()].map(({ status }) => status?.conditions?.[0]?.type),
    failNext: (count: number) => {
      failures = count;
    },
    mostUnderWay: () => mostUnderWay,
  };
}

function request(index: number, spec: Partial<PodCertificateRequest["spec"]> = {}): PodCertificateRequest {
  return {
    metadata: { namespace: "shop", name: `r${index}`, uid: `u${index}` },
    spec: {
      signerName,
      podName: `till-${index}`,
      podUID: `pod-${index}`,
      serviceAccountName: "till",
      nodeName: "node-1",
      pkixPublicKey,
      ...spec,
    },
  };
}

function podOf(key: string): Workload | undefined {
  const name = key.split("/")[1] ?? "";
  const metadata = { namespace: "shop", name, uid: name.replace("till", "pod") };
  return workloadFrom({ metadata, spec: { serviceAccountName: "till", nodeName: "node-1" } }, undefined);
}

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("replicas that sign for Pods", () => {
  const started: { stop(): void }[] = [];
  afterEach(() => {
    for (const signer of started.splice(0)) signer.stop();
  });

  function start(requests: PodCertificateRequests, pod = podOf) {
    const seen: string[] = [];
    const events: SignerEvents = {
      onAnswered: ({ metadata }, { kind }) => seen.push(`${metadata?.name} ${kind}`),
      onWaiting: ({ metadata }) => seen.push(`${metadata?.name} waits`),
      onError: ({ metadata }, error) => seen.push(`${metadata?.name} ${(error as Error).message}`),
    };
    const mesh = () => ({ signer: authority, chain: "", roots: authority.pem.certificate });
    const policy = { signerName, trustDomain: "cluster.local", lifetimeMs: 24 * 3_600_000 };
    started.push(
      createPodCertificateSigner({ ...policy, requests, pod, authority: mesh, events, hesitateMs: () => 0 }),
    );
    return seen;
  }

  it("answer each request once between them, so many at a time", async () => {
    const api = apiServer();
    const seen = [start(api.requests), start(api.requests), start(api.requests)];
    for (let index = 0; index < 100; index += 1) api.put(request(index));
    await until("all issued", () => api.conditions().every((type) => type === "Issued"));
    await until("all settled", () => seen.flat().filter((line) => line.endsWith(" issued")).length === 100);
    assert.ok(api.mostUnderWay() <= 3 * 16);
    assert.ok(seen.flat().every((line) => /^r\d+ (issued|taken)$/.test(line)));
  });

  it("leave those of other signers alone", async () => {
    const api = apiServer();
    const seen = start(api.requests);
    api.put(request(1, { signerName: "example.com/other" }));
    api.put(request(2));
    await until("the own one is issued", () => seen.includes("r2 issued"));
    assert.deepEqual(api.conditions(), [undefined, "Issued"]);
  });

  it("wait for a Pod that they do not know yet, say so once, and let it hold up nobody", async () => {
    const api = apiServer();
    let known = false;
    const seen = start(api.requests, (key) => (known || key !== "shop/till-1" ? podOf(key) : undefined));
    for (const index of [1, 2]) api.put(request(index));
    await until("the other one is issued", () => seen.includes("r2 issued"));
    assert.deepEqual(seen.toSorted(), ["r1 waits", "r2 issued"]);
    known = true;
    await until("it is issued", () => seen.includes("r1 issued"));
    assert.equal(seen.length, 3);
  });

  it("deny what is wrong", async () => {
    const api = apiServer();
    const seen = start(api.requests);
    api.put(request(1, { serviceAccountName: "admin" }));
    await until("it is denied", () => seen.includes("r1 denied"));
    assert.deepEqual(api.conditions(), ["Denied"]);
  });

  it("try again while the API server is away", async () => {
    const api = apiServer();
    api.failNext(2);
    const seen = start(api.requests);
    api.put(request(1));
    await until("it is issued", () => seen.includes("r1 issued"));
    assert.deepEqual(seen, ["r1 away", "r1 away", "r1 issued"]);
  });

  it("answer a request that somebody else changed meanwhile", async () => {
    const api = apiServer();
    const first = api.requests.answer;
    const requests: PodCertificateRequests = {
      ...api.requests,
      async answer(given, status) {
        if (given.metadata?.labels === undefined)
          api.put({ ...given, metadata: { ...given.metadata, labels: { a: "b" } } });
        return await first(given, status);
      },
    };
    const seen = start(requests);
    api.put(request(1));
    await until("it is issued", () => seen.includes("r1 issued"));
    assert.deepEqual(seen, ["r1 taken", "r1 issued"]);
  });
});
