import { isIP } from "node:net";
import * as v from "valibot";
import { podSpec } from "../pod/schema.ts";
import { dataKey, dnsLabel, dnsSubdomain, port, portReference, protocol, textMap, wholeNumber } from "./names.ts";

/** The kinds that the sandbox brings up, each with the fields it acts on. */
const metadata = v.object({
  name: dnsSubdomain,
  namespace: v.optional(dnsLabel),
  labels: v.optional(textMap, {}),
  annotations: v.optional(textMap, {}),
});

/** Checked here so that a mistake shows before anything starts; Pods are made from the template as it was written. */
const podTemplate = v.object({
  metadata: v.optional(v.object({ labels: v.optional(textMap), annotations: v.optional(textMap) }), {}),
  spec: podSpec,
});

const namespace = v.object({ metadata: v.object({ name: dnsLabel, labels: v.optional(textMap, {}) }) });

const pod = v.object({ metadata, spec: podSpec });

const replicated = v.object({
  metadata,
  spec: v.object({ replicas: v.optional(wholeNumber, 1), template: podTemplate }),
});

const daemonSet = v.object({ metadata, spec: v.object({ template: podTemplate }) });

const statefulSet = v.object({
  metadata,
  spec: v.object({
    replicas: v.optional(wholeNumber, 1),
    serviceName: v.optional(v.string(), ""),
    podManagementPolicy: v.optional(v.picklist(["OrderedReady", "Parallel"]), "OrderedReady"),
    volumeClaimTemplates: v.optional(v.array(v.object({ metadata: v.object({ name: dnsLabel }) })), []),
    template: podTemplate,
  }),
});

const job = v.object({
  metadata,
  spec: v.object({
    completions: v.optional(wholeNumber),
    parallelism: v.optional(wholeNumber, 1),
    completionMode: v.optional(v.picklist(["NonIndexed", "Indexed"]), "NonIndexed"),
    backoffLimit: v.optional(wholeNumber, 6),
    template: podTemplate,
  }),
});

const clusterIp = v.pipe(
  v.string(),
  v.check((text) => text === "" || text === "None" || isIP(text) !== 0, 'must be an IP address, "None" or absent'),
);

const ipFamily = v.picklist(["IPv4", "IPv6"]);

const service = v.object({
  metadata: v.object({ ...metadata.entries, name: dnsLabel }),
  spec: v.object({
    type: v.optional(v.picklist(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]), "ClusterIP"),
    selector: v.optional(textMap, {}),
    clusterIP: v.optional(clusterIp),
    externalName: v.optional(v.string(), ""),
    ipFamilies: v.optional(v.array(ipFamily)),
    ipFamilyPolicy: v.optional(v.picklist(["SingleStack", "PreferDualStack", "RequireDualStack"]), "SingleStack"),
    publishNotReadyAddresses: v.optional(v.boolean(), false),
    sessionAffinity: v.optional(v.picklist(["None", "ClientIP"]), "None"),
    ports: v.optional(
      v.array(
        v.object({
          name: v.optional(v.union([v.literal(""), dnsLabel], "must be a DNS label"), ""),
          port,
          targetPort: v.optional(portReference),
          protocol: v.optional(protocol, "TCP"),
        }),
      ),
      [],
    ),
  }),
});

const keyed = v.record(dataKey, v.string("must be text (quote it)"));
const base64 = v.record(dataKey, v.pipe(v.string(), v.base64("must be base64")));

const configMap = v.object({
  metadata,
  data: v.optional(keyed, {}),
  binaryData: v.optional(base64, {}),
});

const secret = v.object({ metadata, data: v.optional(base64, {}), stringData: v.optional(keyed, {}) });

const serviceAccount = v.object({ metadata, automountServiceAccountToken: v.optional(v.boolean()) });

const tlsMode = v.picklist(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]);
const tlsModes = v.object({ mode: v.optional(tlsMode) });
const portNumber = v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,4}$/, "must be a port"));

const peerAuthentication = v.object({
  metadata,
  spec: v.optional(
    v.looseObject({
      selector: v.optional(v.object({ matchLabels: v.optional(textMap) })),
      mtls: v.optional(tlsModes),
      portLevelMtls: v.optional(v.record(portNumber, tlsModes)),
    }),
    {},
  ),
});

/** By `apiVersion/kind`. Any other object is ignored, and said so. */
export const schemas = {
  "v1/Namespace": namespace,
  "v1/Pod": pod,
  "apps/v1/Deployment": replicated,
  "apps/v1/ReplicaSet": replicated,
  "apps/v1/StatefulSet": statefulSet,
  "apps/v1/DaemonSet": daemonSet,
  "batch/v1/Job": job,
  "v1/Service": service,
  "v1/ConfigMap": configMap,
  "v1/Secret": secret,
  "v1/ServiceAccount": serviceAccount,
  "security.istio.io/v1/PeerAuthentication": peerAuthentication,
  "security.istio.io/v1beta1/PeerAuthentication": peerAuthentication,
} as const;

export type KnownKind = keyof typeof schemas;
export type Parsed<Kind extends KnownKind> = v.InferOutput<(typeof schemas)[Kind]>;

export type ServiceObject = Parsed<"v1/Service">;
export type ServicePortSpec = ServiceObject["spec"]["ports"][number];
export type IpFamily = v.InferOutput<typeof ipFamily>;
