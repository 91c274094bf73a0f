import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../mesh/errors.ts";
import { ApiError, type ClusterApi } from "../cluster/api.ts";
import { installSettings } from "../settings.ts";
import { checkCluster } from "./preflight.ts";

/** A cluster of a version, with Pod certificates in one version of their API or in none. */
function cluster(gitVersion: string, offered?: string): ClusterApi {
  const [, minor = ""] = gitVersion.split(".");
  const answers: Readonly<Record<string, unknown>> = {
    "/version": { major: "1", minor, gitVersion },
    ...(offered !== undefined && {
      [`/apis/certificates.k8s.io/${offered}`]: {
        resources: [{ kind: "PodCertificateRequest", name: "podcertificaterequests", namespaced: true }],
      },
    }),
  };
  const request = async ({ path }: { readonly path: string }) => {
    if (path in answers) return { body: answers[path], warnings: [] };
    throw new ApiError(404, "NotFound", path);
  };
  return { request } as unknown as ClusterApi;
}

async function problemsOf(api: ClusterApi, input: object = {}): Promise<string[]> {
  try {
    await checkCluster(api, installSettings(input), []);
    return [];
  } catch (error) {
    assert.ok(error instanceof OutriggerError);
    return error.problems.map(({ field }) => field);
  }
}

const wanted = { discovery: { podCertificates: true } };

test("a cluster without Pod certificates is as good as any, unless they are asked for", async () => {
  assert.deepEqual(await problemsOf(cluster("v1.34.4")), []);
  assert.deepEqual(await problemsOf(cluster("v1.34.4"), wanted), ["discovery.podCertificates"]);
  assert.deepEqual(await problemsOf(cluster("v1.29.0"), wanted), ["API server", "discovery.podCertificates"]);
  assert.deepEqual(await problemsOf(cluster("v1.34.4"), { ...wanted, injection: { profile: "istio" } }), []);
});

test("either version of their API will do", async () => {
  for (const version of ["v1alpha1", "v1beta1"]) {
    assert.deepEqual(await problemsOf(cluster("v1.35.0", version), wanted), []);
  }
});
