import "reflect-metadata"; // @peculiar/x509's dependency injection needs it loaded first
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import fc from "fast-check";
import { createAuthority } from "../../../host/x509.ts";
import { generateKeys } from "../../../host/x509-keys.ts";
import type { Workload } from "../../registry/workload.ts";
import { workloadFrom } from "../../registry/workload.ts";
import { type Decision, decide, type SigningPolicy } from "./decide.ts";
import { isPending, type PodCertificateRequest } from "./request.ts";
import { deniedStatus, issuedStatus } from "./status.ts";

const now = new Date("2026-06-01T12:00:00.123Z");
const hourMs = 3_600_000;

const policy: SigningPolicy = {
  trustDomain: "cluster.local",
  lifetimeMs: 24 * hourMs,
  authorityEnd: new Date("2036-01-01T00:00:00Z"),
};

const spkiOf = (key: KeyObject) => key.export({ format: "der", type: "spki" }).toString("base64");
const curve = (namedCurve: string) => spkiOf(generateKeyPairSync("ec", { namedCurve }).publicKey);
const rsa = (modulusLength: number) => spkiOf(generateKeyPairSync("rsa", { modulusLength }).publicKey);
const p256 = curve("P-256");

function request(spec: Partial<PodCertificateRequest["spec"]> = {}): PodCertificateRequest {
  return {
    metadata: { namespace: "shop", name: "r1", uid: "u1", resourceVersion: "1" },
    spec: {
      signerName: "outrigger.dev/mesh",
      podName: "till-1",
      podUID: "pod-1",
      serviceAccountName: "till",
      nodeName: "node-1",
      maxExpirationSeconds: 86_400,
      pkixPublicKey: p256,
      ...spec,
    },
  };
}

function pod(spec: object = {}, uid = "pod-1"): Workload | undefined {
  const metadata = { namespace: "shop", name: "till-1", uid };
  return workloadFrom({ metadata, spec: { serviceAccountName: "till", nodeName: "node-1", ...spec } }, undefined);
}

function said(decision: Decision): string {
  if (decision.kind === "deny") return `deny ${decision.reason}`;
  return decision.kind === "issue" ? `issue ${decision.issuance.identity}` : decision.kind;
}

const granted = "issue spiffe://cluster.local/ns/shop/sa/till";
const cases: readonly (readonly [
  what: string,
  request: PodCertificateRequest,
  pod: Workload | undefined,
  said: string,
])[] = [
  ["a Pod's own", request(), pod(), granted],
  ["a Pod that is not known yet", request(), undefined, "wait"],
  ["a Pod whose name is still another's", request(), pod({}, "pod-0"), "wait"],
  ["a Pod that is known without its node", request(), pod({ nodeName: undefined }), "wait"],
  ["another account than the Pod's", request({ serviceAccountName: "admin" }), pod(), "deny NotThePodsServiceAccount"],
  ["another node than the Pod's", request({ nodeName: "node-2" }), pod(), "deny NotThePodsNode"],
  ["P-384", request({ pkixPublicKey: curve("P-384") }), pod(), granted],
  ["RSA of 3072 bits", request({ pkixPublicKey: rsa(3072) }), pod(), granted],
  ["RSA of 2048 bits", request({ pkixPublicKey: rsa(2048) }), pod(), "deny UnsupportedKeyType"],
  ["P-521", request({ pkixPublicKey: curve("P-521") }), pod(), "deny UnsupportedKeyType"],
  [
    "Ed25519",
    request({ pkixPublicKey: spkiOf(generateKeyPairSync("ed25519").publicKey) }),
    pod(),
    "deny UnsupportedKeyType",
  ],
  ["no key", request({ pkixPublicKey: "" }), pod(), "deny InvalidPublicKey"],
  ["what is no key", request({ pkixPublicKey: "AAAA" }), pod(), "deny InvalidPublicKey"],
  ["what is no PKCS#10 request", request({ stubPKCS10Request: "AAAA" }), pod(), "deny InvalidPublicKey"],
  [
    "wishes that nobody knows",
    request({ unverifiedUserAnnotations: { "example.com/dns": "x" } }),
    pod(),
    "deny InvalidUnverifiedUserAnnotations",
  ],
];

describe("a request for a Pod's certificate", () => {
  for (const [what, given, known, expected] of cases) {
    it(`${what}: ${expected}`, () => assert.equal(said(decide(given, known, policy, now)), expected));
  }

  it("waits while the authority is about to end", () => {
    const ending = { ...policy, authorityEnd: new Date(now.getTime() + hourMs / 2) };
    assert.equal(said(decide(request(), pod(), ending, now)), "wait");
  });

  it("may hold its key in a PKCS#10 request, as later versions of the API have it", async () => {
    const keys = await generateKeys();
    const made = await Pkcs10CertificateRequestGenerator.create({
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    });
    const { pkixPublicKey: _, ...spec } = request().spec;
    const stub = { ...request(), spec: { ...spec, stubPKCS10Request: made.toString("base64") } };
    assert.equal(said(decide(stub, pod(), policy, now)), granted);
  });

  it("is over once it has an answer", () => {
    assert.ok(isPending(request()));
    const { conditions } = deniedStatus({ kind: "deny", reason: "InvalidPublicKey", message: "no" }, now);
    assert.ok(!isPending({ ...request(), status: { conditions } }));
  });
});

describe("a Pod's certificate", () => {
  it("keeps to what the API server demands, whatever is asked for and however long the authority lasts", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const lifetimes = {
      maxExpirationSeconds: fc.integer({ min: 3600, max: 7_862_400 }),
      ownMinutes: fc.integer({ min: 1, max: 525_600 }),
      authorityMinutes: fc.integer({ min: 61, max: 525_600 }),
    };
    await fc.assert(
      fc.asyncProperty(fc.record(lifetimes), async ({ maxExpirationSeconds, ownMinutes, authorityMinutes }) => {
        const signer = await createAuthority({ commonName: "root", lifetimeMs: authorityMinutes * 60_000, now });
        const limits = { ...policy, lifetimeMs: ownMinutes * 60_000, authorityEnd: signer.notAfter };
        const given = request({ maxExpirationSeconds, pkixPublicKey: spkiOf(publicKey) });
        const decision = decide(given, pod(), limits, now);
        assert.ok(decision.kind === "issue");
        const status = await issuedStatus(decision.issuance, { signer, chain: "", roots: "" }, now);
        const certificate = new X509Certificate(status.certificateChain ?? "");
        assert.ok(certificate.verify(new X509Certificate(signer.pem.certificate).publicKey));
        assert.ok(certificate.publicKey.equals(publicKey));
        assert.match(certificate.subjectAltName ?? "", /^URI:spiffe:\/\/cluster.local\/ns\/shop\/sa\/till, othername:/);
        assert.ok(certificate.raw.includes("till-1/till-1/latest"));
        const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
        assert.equal(Date.parse(status.notBefore ?? ""), from);
        assert.equal(Date.parse(status.notAfter ?? ""), to);
        assert.ok(Math.abs(from - now.getTime()) < 5 * 60_000);
        assert.ok(to - from >= hourMs && to - from <= maxExpirationSeconds * 1000 && to <= signer.notAfter.getTime());
        const refresh = Date.parse(status.beginRefreshAt ?? "");
        assert.ok(refresh >= from + 10 * 60_000 && refresh <= to - 10 * 60_000);
      }),
      { numRuns: 50 },
    );
  });
});
