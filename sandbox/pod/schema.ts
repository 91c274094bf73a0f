import * as v from "valibot";
import { OutriggerError } from "../../mesh/errors.ts";
import { schemaProblems } from "../../mesh/schema-problems.ts";
import { dnsLabel, dnsSubdomain, relativePath, textMap, wholeNumber } from "../manifest/names.ts";
import { container } from "./container-schema.ts";

/** A Pod as the kubelet reads it; see container-schema.ts. */
const optionalFlag = v.optional(v.boolean(), false);
const mode = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777, "must be a file mode, at most 0777"));
const items = v.optional(v.array(v.object({ key: v.string(), path: relativePath, mode: v.optional(mode) })));
const fieldReference = v.object({ fieldPath: v.string() });

const downwardItem = v.object({
  path: relativePath,
  mode: v.optional(mode),
  fieldRef: v.optional(fieldReference),
  resourceFieldRef: v.optional(
    v.object({
      resource: v.string(),
      containerName: v.optional(v.string()),
      divisor: v.optional(v.union([v.string(), v.number()])),
    }),
  ),
});

const projectedSource = v.object({
  configMap: v.optional(v.object({ name: v.string(), items, optional: optionalFlag })),
  secret: v.optional(v.object({ name: v.string(), items, optional: optionalFlag })),
  downwardAPI: v.optional(v.object({ items: v.optional(v.array(downwardItem), []) })),
  serviceAccountToken: v.optional(
    v.object({
      path: relativePath,
      audience: v.optional(v.string()),
      expirationSeconds: v.optional(wholeNumber, 3600),
    }),
  ),
});

/** Volume types that the sandbox makes; the rest stays in `others`, to be refused by name. */
const volume = v.objectWithRest(
  {
    name: dnsLabel,
    emptyDir: v.optional(v.object({})),
    hostPath: v.optional(v.object({ path: v.string() })),
    persistentVolumeClaim: v.optional(v.object({ claimName: v.string() })),
    ephemeral: v.optional(v.object({})),
    configMap: v.optional(
      v.object({ name: v.string(), items, defaultMode: v.optional(mode, 0o644), optional: optionalFlag }),
    ),
    secret: v.optional(
      v.object({ secretName: v.string(), items, defaultMode: v.optional(mode, 0o644), optional: optionalFlag }),
    ),
    downwardAPI: v.optional(
      v.object({ items: v.optional(v.array(downwardItem), []), defaultMode: v.optional(mode, 0o644) }),
    ),
    projected: v.optional(
      v.object({ sources: v.optional(v.array(projectedSource), []), defaultMode: v.optional(mode, 0o644) }),
    ),
  },
  v.unknown(),
);

const podSecurity = v.object({
  runAsUser: v.optional(wholeNumber),
  runAsGroup: v.optional(wholeNumber),
  runAsNonRoot: v.optional(v.boolean()),
  fsGroup: v.optional(wholeNumber),
  supplementalGroups: v.optional(v.array(wholeNumber), []),
  sysctls: v.optional(v.array(v.object({ name: v.string(), value: v.string() })), []),
});

export const podSpec = v.object({
  containers: v.pipe(v.array(container), v.minLength(1, "must have at least one container")),
  initContainers: v.optional(v.array(container), []),
  volumes: v.optional(v.array(volume), []),
  restartPolicy: v.optional(v.picklist(["Always", "OnFailure", "Never"]), "Always"),
  terminationGracePeriodSeconds: v.optional(wholeNumber, 30),
  serviceAccountName: v.optional(v.string(), "default"),
  automountServiceAccountToken: v.optional(v.boolean()),
  hostNetwork: optionalFlag,
  hostname: v.optional(dnsLabel),
  subdomain: v.optional(dnsLabel),
  hostAliases: v.optional(v.array(v.object({ ip: v.string(), hostnames: v.optional(v.array(v.string()), []) })), []),
  dnsPolicy: v.optional(v.string(), "ClusterFirst"),
  dnsConfig: v.optional(
    v.object({
      nameservers: v.optional(v.array(v.string()), []),
      searches: v.optional(v.array(v.string()), []),
      options: v.optional(v.array(v.object({ name: v.string(), value: v.optional(v.string()) })), []),
    }),
    {},
  ),
  enableServiceLinks: v.optional(v.boolean(), true),
  securityContext: v.optional(podSecurity, {}),
});

/** A Pod's metadata after the API server has named it. */
const metadata = v.object({
  name: dnsSubdomain,
  namespace: dnsLabel,
  uid: v.string(),
  labels: v.optional(textMap, {}),
  annotations: v.optional(textMap, {}),
});

const pod = v.object({ metadata, spec: podSpec });

export type PodSpec = v.InferOutput<typeof podSpec>;
export type VolumeSpec = v.InferOutput<typeof volume>;
export type ProjectedSource = v.InferOutput<typeof projectedSource>;
export type DownwardItem = v.InferOutput<typeof downwardItem>;
export type PodMetadata = v.InferOutput<typeof metadata>;
/** A Pod that the kubelet can run. */
export type PodObject = v.InferOutput<typeof pod>;

/**
 * Reads a Pod, after admission; `subject` names it in front of each field.
 * @throws OutriggerError BAD_OBJECT with every field that has the wrong form
 */
export function readPod(value: unknown, subject: string): PodObject {
  const result = v.safeParse(pod, value);
  if (!result.success) throw new OutriggerError("BAD_OBJECT", schemaProblems(result.issues, `${subject} `));
  return result.output;
}
