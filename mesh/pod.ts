/**
 * The parts of a Kubernetes Pod that Outrigger reads or writes, as raw JSON. Every type keeps what it does not name
 * (`[field: string]: unknown`), so that unknown and future fields go through untouched.
 *
 * Shapes: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#pod-v1-core
 */
export interface JsonObject {
  [field: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

export interface OwnerReference extends JsonObject {
  apiVersion?: string;
  kind?: string;
  name?: string;
  controller?: boolean;
}

export interface ObjectMeta extends JsonObject {
  name?: string;
  generateName?: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

export interface EnvVar extends JsonObject {
  name: string;
  value?: string;
  valueFrom?: JsonObject;
}

export interface ContainerPort extends JsonObject {
  name?: string;
  containerPort: number;
  protocol?: string;
}

/** A port by number or by the name of a container port. */
export type PortReference = number | string;

export interface HttpGetAction extends JsonObject {
  path?: string;
  port: PortReference;
  host?: string;
  scheme?: string;
  httpHeaders?: { name: string; value: string }[];
}

export interface TcpSocketAction extends JsonObject {
  port: PortReference;
  host?: string;
}

export interface GrpcAction extends JsonObject {
  port: number;
  service?: string;
}

export interface Handler extends JsonObject {
  exec?: { command?: string[] };
  httpGet?: HttpGetAction;
  tcpSocket?: TcpSocketAction;
}

export interface Probe extends Handler {
  grpc?: GrpcAction;
  timeoutSeconds?: number;
}

export interface SecurityContext extends JsonObject {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  capabilities?: { add?: string[]; drop?: string[] };
}

export interface ResourceRequirements extends JsonObject {
  limits?: Record<string, string>;
  requests?: Record<string, string>;
}

export interface VolumeMount extends JsonObject {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

export interface Container extends JsonObject {
  name: string;
  image?: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: ContainerPort[];
  resources?: ResourceRequirements;
  volumeMounts?: VolumeMount[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: { preStop?: Handler; postStart?: Handler };
  restartPolicy?: string;
  securityContext?: SecurityContext;
}

export interface Volume extends JsonObject {
  name: string;
}

export interface PodSpec extends JsonObject {
  containers: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  imagePullSecrets?: { name?: string }[];
  hostNetwork?: boolean;
  nodeName?: string;
  serviceAccountName?: string;
  securityContext?: JsonObject;
}

export interface Pod extends JsonObject {
  metadata: ObjectMeta;
  spec: PodSpec;
}
