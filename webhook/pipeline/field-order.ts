import { isObject } from "../../mesh/json.ts";
import type { Container, JsonObject } from "../../mesh/pod.ts";

const handler = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];
const probe = [
  ...handler,
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
  "terminationGracePeriodSeconds",
];

/** The fields of a container, and of what it holds, in the order in which Kubernetes prints them. */
const order: Readonly<Record<string, readonly string[]>> = {
  container: [
    "name",
    "image",
    "command",
    "args",
    "workingDir",
    "ports",
    "envFrom",
    "env",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "volumeMounts",
    "volumeDevices",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "imagePullPolicy",
    "securityContext",
    "stdin",
    "stdinOnce",
    "tty",
  ],
  ports: ["name", "hostPort", "containerPort", "protocol", "hostIP"],
  env: ["name", "value", "valueFrom"],
  valueFrom: ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"],
  fieldRef: ["apiVersion", "fieldPath"],
  resourceFieldRef: ["containerName", "resource", "divisor"],
  resources: ["limits", "requests", "claims"],
  volumeMounts: ["name", "readOnly", "recursiveReadOnly", "mountPath", "subPath", "mountPropagation", "subPathExpr"],
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: ["postStart", "preStop", "stopSignal"],
  postStart: handler,
  preStop: handler,
  httpGet: ["path", "port", "host", "scheme", "httpHeaders"],
  httpHeaders: ["name", "value"],
  tcpSocket: ["port", "host"],
  grpc: ["port", "service"],
  capabilities: ["add", "drop"],
  securityContext: [
    "capabilities",
    "privileged",
    "seLinuxOptions",
    "windowsOptions",
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "readOnlyRootFilesystem",
    "allowPrivilegeEscalation",
    "procMount",
    "seccompProfile",
    "appArmorProfile",
  ],
};

/** Maps whose keys are the user's; Kubernetes prints them sorted. */
const sorted: ReadonlySet<string> = new Set(["limits", "requests"]);

function orderedKeys(value: JsonObject, field: string): string[] {
  const keys = Object.keys(value);
  if (sorted.has(field)) return keys.sort();
  const known = order[field]?.filter((key) => Object.hasOwn(value, key)) ?? [];
  return [...known, ...keys.filter((key) => !known.includes(key))];
}

function ordered(value: unknown, field: string): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item, field));
  if (!isObject(value)) return value;
  return Object.fromEntries(orderedKeys(value, field).map((key) => [key, ordered(value[key], key)]));
}

/** The container with its fields in Kubernetes' order, so that its JSON is the same whoever wrote it. */
export function inFieldOrder(container: Container): Container {
  return ordered(container, "container") as Container;
}

/** A probe or lifecycle handler's action with its fields in Kubernetes' order. */
export function actionInFieldOrder(action: JsonObject, kind: "httpGet" | "tcpSocket" | "grpc"): JsonObject {
  return ordered(action, kind) as JsonObject;
}
