import * as v from "valibot";
import type { Pod } from "../mesh/pod.ts";
import { schemaPredicate } from "../mesh/schema-predicate.ts";
import { checked } from "../mesh/schema-problems.ts";

/** A list whose items nobody here looks into. */
const anyList = v.custom<unknown[]>(Array.isArray, "must be a list");
const textMap = v.record(v.string(), v.string());
const port = v.union([v.number(), v.string()]);

const handler = v.looseObject({
  httpGet: v.nullish(v.looseObject({ port })),
  tcpSocket: v.nullish(v.looseObject({ port })),
  grpc: v.nullish(v.looseObject({ port: v.number() })),
});

const container = v.looseObject({
  name: v.string(),
  args: v.nullish(v.array(v.string())),
  env: v.nullish(anyList),
  ports: v.nullish(v.array(v.looseObject({ containerPort: v.number() }))),
  volumeMounts: v.nullish(anyList),
  livenessProbe: v.nullish(handler),
  readinessProbe: v.nullish(handler),
  startupProbe: v.nullish(handler),
  lifecycle: v.nullish(v.looseObject({ preStop: v.nullish(handler), postStart: v.nullish(handler) })),
});

const metadata = v.looseObject({
  name: v.nullish(v.string()),
  generateName: v.nullish(v.string()),
  namespace: v.nullish(v.string()),
  labels: v.nullish(textMap),
  annotations: v.nullish(textMap),
  ownerReferences: v.nullish(v.array(v.looseObject({ kind: v.string(), name: v.string() }))),
});

const pod = v.looseObject({
  metadata: v.nullish(metadata),
  spec: v.looseObject({
    containers: v.array(container),
    initContainers: v.nullish(v.array(container)),
    volumes: v.nullish(v.array(v.looseObject({ name: v.string() }))),
    imagePullSecrets: v.nullish(v.array(v.looseObject({}))),
    hostNetwork: v.nullish(v.boolean()),
    nodeName: v.nullish(v.string()),
  }),
});

const isPod = schemaPredicate(pod);

/**
 * Takes raw JSON as a Pod, after a check of the fields that Outrigger reads.
 * @throws OutriggerError BAD_OBJECT with the path and value of every field that has the wrong form
 */
export function readPod(object: unknown): Pod {
  if (!isPod(object)) checked(pod, object, "", "BAD_OBJECT");
  const { metadata, ...rest } = object as Omit<Pod, "metadata"> & { readonly metadata?: Pod["metadata"] | null };
  return { ...rest, metadata: metadata ?? {} } as Pod;
}
