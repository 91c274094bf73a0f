import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import { ApiError } from "../../deploy/cluster/api.ts";
import type { Pod } from "../../mesh/pod.ts";
import { admit } from "../../webhook/admit.ts";
import { profileNames } from "../../webhook/profile/profiles.ts";
import { type InjectionSettings, injectionSettings } from "../../webhook/settings.ts";
import { arbitraryPod } from "../arbitrary-pod.ts";
import { type Cluster, connect } from "./cluster.ts";

// What injection writes is valid to a real API server, whatever the Pod.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
});

/** What the API server makes of a Pod without keeping it; the reason if it refuses. Strict: it refuses fields it does not know. */
async function dryRun(
  namespace: string,
  pod: Pod,
  fieldValidation: "Ignore" | "Strict",
): Promise<{ pod: Pod } | { refused: string }> {
  const { metadata } = pod;
  const body = { apiVersion: "v1", kind: "Pod", ...pod, metadata: { ...metadata, namespace } };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  try {
    const answer = await cluster.api.request<Pod & { apiVersion: string; kind: string }>({
      method: "POST",
      path,
      query: { dryRun: "All", fieldValidation },
      body,
    });
    return { pod: answer.body };
  } catch (error) {
    if (error instanceof ApiError) return { refused: error.message };
    throw error;
  }
}

function injected(namespace: string, object: Pod, settings: InjectionSettings): Pod {
  const admission = admit({ namespace, object }, settings);
  assert.ok(admission.allowed, admission.allowed ? "" : admission.message);
  const operations = admission.patch as fastJsonPatch.Operation[];
  return fastJsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
}

/** An owner that exists nowhere, with the fields that the API server wants. */
function withoutOwner(pod: Pod): Pod {
  const { ownerReferences: _owner, generateName: _generated, ...metadata } = pod.metadata;
  return { ...pod, metadata: { name: "till", ...metadata } };
}

const variants: Record<string, InjectionSettings> = Object.fromEntries(
  profileNames.flatMap((profile) => [
    [`${profile}, native sidecars`, injectionSettings({ profile, nativeSidecars: "enabled" })],
    [`${profile}, ordinary sidecars`, injectionSettings({ profile, nativeSidecars: "disabled" })],
    [`${profile} under CNI`, injectionSettings({ profile, cni: true })],
    [`${profile}'s gateway`, injectionSettings({ profile, injectorConfig: { defaultTemplates: ["gateway"] } })],
  ]),
);

/** Whether the API server takes the Pod at all; if it does, it must take it injected. */
async function assertTaken(namespace: string, pod: Pod, settings: InjectionSettings): Promise<boolean> {
  const plain = await dryRun(namespace, pod, "Ignore");
  if ("refused" in plain) return false;
  // The webhook sees the Pod with the API server's defaults.
  const first = injected(namespace, plain.pod, settings);
  const answer = await dryRun(namespace, first, "Strict");
  assert.ok("pod" in answer, `${"refused" in answer ? answer.refused : ""}\n${JSON.stringify(pod)}`);
  const again = admit({ namespace, object: answer.pod }, settings);
  assert.ok(again.allowed);
  assert.deepEqual(again.patch, [], `defaults and the token's mount need no second patch: ${JSON.stringify(pod)}`);
  return true;
}

const atOnce = 8;

for (const [variant, settings] of Object.entries(variants)) {
  test(`the API server takes every injected Pod that it takes uninjected: ${variant}`, async (context) => {
    const namespace = await cluster.namespace(context);
    const pods = fc.sample(arbitraryPod, { numRuns: 200, seed: 20261124 }).map(withoutOwner);
    const waiting = pods.values();
    let taken = 0;
    const work = async () => {
      for (const pod of waiting) if (await assertTaken(namespace, pod, settings)) taken += 1;
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    assert.ok(taken > 30, `the API server took only ${taken} of the generated Pods`);
    context.diagnostic(`${taken} Pods injected and taken`);
  });
}
