import fastJsonPatch, { type Operation } from "fast-json-patch";
import * as v from "valibot";
import type { JsonObject } from "../../mesh/pod.ts";

const apiVersion = "admission.k8s.io/v1";

export interface ReviewSubject {
  readonly uid: string;
  readonly namespace: string;
  /** Empty for a Pod that the API server has yet to name. */
  readonly name: string;
  readonly username: string;
  readonly object: JsonObject;
}

/** The AdmissionReview that the API server sends when a Pod is created. */
export function podCreation({ uid, namespace, name, username, object }: ReviewSubject): JsonObject {
  const kind = { group: "", version: "v1", kind: "Pod" };
  const resource = { group: "", version: "v1", resource: "pods" };
  return {
    apiVersion,
    kind: "AdmissionReview",
    request: {
      uid,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      ...(name !== "" && { name }),
      namespace,
      operation: "CREATE",
      userInfo: { username, groups: ["system:authenticated"] },
      object,
      oldObject: null,
      dryRun: false,
      options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions" },
    },
  };
}

const texts = v.record(v.string(), v.string());

const answer = v.object({
  apiVersion: v.literal(apiVersion),
  kind: v.literal("AdmissionReview"),
  response: v.object({
    uid: v.string(),
    allowed: v.boolean(),
    status: v.optional(v.object({ message: v.optional(v.string(), "") })),
    patch: v.optional(v.string()),
    patchType: v.optional(v.literal("JSONPatch")),
    warnings: v.optional(v.array(v.string()), []),
    auditAnnotations: v.optional(texts, {}),
  }),
});

export type ReviewAnswer = v.InferOutput<typeof answer>["response"];

/** Reads a webhook's answer as the API server does. @throws Error with what is wrong with it */
export function readAnswer(body: string, uid: string): ReviewAnswer {
  const { response } = v.parse(answer, JSON.parse(body));
  if (response.uid !== uid) throw new Error(`expected response.uid="${uid}", got "${response.uid}"`);
  if (response.patch !== undefined && response.patchType === undefined) throw new Error("the patch has no patchType");
  return response;
}

/** The object after the answer's RFC 6902 patch. @throws Error when the patch does not fit it */
export function patched(object: JsonObject, { patch }: ReviewAnswer): JsonObject {
  if (patch === undefined) return object;
  const operations = JSON.parse(Buffer.from(patch, "base64").toString("utf8")) as Operation[];
  return fastJsonPatch.applyPatch(object, operations, true, false).newDocument;
}
