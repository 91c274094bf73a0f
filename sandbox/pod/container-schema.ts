import * as v from "valibot";
import { absolutePath, dnsLabel, port, portReference, protocol, relativePath, wholeNumber } from "../manifest/names.ts";

/**
 * A container as the kubelet reads it, with Kubernetes' defaults filled in. Fields that the sandbox does not act on are
 * not here; `manifest/omissions.ts` tells of them.
 * Shapes and defaults: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#container-v1-core
 */
const text = v.string("must be text (quote it)");
const texts = v.array(text);
const optionalFlag = v.optional(v.boolean(), false);

const keyReference = v.object({ name: text, key: text, optional: optionalFlag });

const envSource = v.object({
  fieldRef: v.optional(v.object({ fieldPath: text })),
  resourceFieldRef: v.optional(
    v.object({ resource: text, containerName: v.optional(text), divisor: v.optional(v.union([text, v.number()])) }),
  ),
  configMapKeyRef: v.optional(keyReference),
  secretKeyRef: v.optional(keyReference),
});

const env = v.object({ name: text, value: v.optional(text), valueFrom: v.optional(envSource) });

const objectReference = v.object({ name: text, optional: optionalFlag });
const envFrom = v.object({
  prefix: v.optional(text, ""),
  configMapRef: v.optional(objectReference),
  secretRef: v.optional(objectReference),
});

const exec = v.object({ command: texts });
const httpGet = v.object({
  path: v.optional(text, "/"),
  port: portReference,
  host: v.optional(text),
  scheme: v.optional(v.picklist(["HTTP", "HTTPS"]), "HTTP"),
  httpHeaders: v.optional(v.array(v.object({ name: text, value: text })), []),
});
const tcpSocket = v.object({ port: portReference, host: v.optional(text) });
const grpc = v.object({ port, service: v.optional(text, "") });

const handler = v.object({
  exec: v.optional(exec),
  httpGet: v.optional(httpGet),
  tcpSocket: v.optional(tcpSocket),
  sleep: v.optional(v.object({ seconds: wholeNumber })),
});

const probe = v.object({
  exec: v.optional(exec),
  httpGet: v.optional(httpGet),
  tcpSocket: v.optional(tcpSocket),
  grpc: v.optional(grpc),
  initialDelaySeconds: v.optional(wholeNumber, 0),
  periodSeconds: v.optional(wholeNumber, 10),
  timeoutSeconds: v.optional(wholeNumber, 1),
  successThreshold: v.optional(wholeNumber, 1),
  failureThreshold: v.optional(wholeNumber, 3),
  terminationGracePeriodSeconds: v.optional(wholeNumber),
});

const securityContext = v.object({
  runAsUser: v.optional(wholeNumber),
  runAsGroup: v.optional(wholeNumber),
  runAsNonRoot: v.optional(v.boolean()),
  privileged: optionalFlag,
  allowPrivilegeEscalation: v.optional(v.boolean(), true),
  readOnlyRootFilesystem: optionalFlag,
  capabilities: v.optional(v.object({ add: v.optional(texts, []), drop: v.optional(texts, []) }), {}),
});

const volumeMount = v.object({
  name: dnsLabel,
  mountPath: absolutePath,
  subPath: v.optional(relativePath),
  subPathExpr: v.optional(text),
  readOnly: optionalFlag,
});

const quantities = v.record(v.string(), v.union([text, v.number()]));

export const container = v.object({
  name: dnsLabel,
  image: v.optional(text, ""),
  command: v.optional(texts, []),
  args: v.optional(texts, []),
  workingDir: v.optional(absolutePath, "/"),
  env: v.optional(v.array(env), []),
  envFrom: v.optional(v.array(envFrom), []),
  ports: v.optional(
    v.array(v.object({ name: v.optional(text), containerPort: port, protocol: v.optional(protocol, "TCP") })),
    [],
  ),
  volumeMounts: v.optional(v.array(volumeMount), []),
  resources: v.optional(v.object({ limits: v.optional(quantities, {}), requests: v.optional(quantities, {}) }), {}),
  livenessProbe: v.optional(probe),
  readinessProbe: v.optional(probe),
  startupProbe: v.optional(probe),
  lifecycle: v.optional(v.object({ postStart: v.optional(handler), preStop: v.optional(handler) }), {}),
  restartPolicy: v.optional(v.picklist(["Always"], 'must be "Always" or absent')),
  securityContext: v.optional(securityContext, {}),
  terminationMessagePath: v.optional(absolutePath, "/dev/termination-log"),
  terminationMessagePolicy: v.optional(v.picklist(["File", "FallbackToLogsOnError"]), "File"),
});

export type ContainerSpec = v.InferOutput<typeof container>;
export type ProbeSpec = v.InferOutput<typeof probe>;
export type HandlerSpec = v.InferOutput<typeof handler>;
export type HttpGetSpec = v.InferOutput<typeof httpGet>;
export type EnvSpec = v.InferOutput<typeof env>;
export type EnvSourceSpec = v.InferOutput<typeof envSource>;
export type ContainerSecurity = v.InferOutput<typeof securityContext>;
export type VolumeMountSpec = v.InferOutput<typeof volumeMount>;
