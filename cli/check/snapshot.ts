import { ApiError, type ClusterApi, type KubernetesObject } from "../../deploy/cluster/api.ts";
import { offersPodCertificates } from "../../deploy/install/preflight.ts";
import { type DataObject, type Pod, type Registration, readAll, readOne, registrationsPath } from "../cluster/list.ts";
import { argumentsOf, flagsOf, type LiveRevision, liveRevisions } from "../cluster/live-rulebooks.ts";

/** What the API server says when a Pod is created for trial. */
export type Trial =
  | { readonly namespace: string; readonly outcome: "sidecar" | "no sidecar" }
  | { readonly namespace: string; readonly outcome: "refused"; readonly message: string };

/** Everything of the cluster that the checks look at. */
export interface Snapshot {
  readonly version: { readonly major: string; readonly minor: string; readonly gitVersion: string };
  /** Whether the API server offers PodCertificateRequests in a version that discovery understands. */
  readonly offersPodCertificates: boolean;
  /** What is needed to install, and not allowed: `create deployments.apps`. */
  readonly forbidden: readonly string[];
  readonly revisions: readonly LiveRevision[];
  readonly registrations: readonly Registration[];
  readonly namespaces: readonly KubernetesObject[];
  readonly pods: readonly Pod[];
  /** `ca.crt` of each revision's authority Secret, by revision; missing where it cannot be read. */
  readonly authorities: ReadonlyMap<string, string>;
  readonly trials: readonly Trial[];
}

/** What installing takes, as Kubernetes asks for permissions. */
const installing = [
  { verb: "create", group: "apps", resource: "deployments" },
  { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterroles" },
  { verb: "create", group: "admissionregistration.k8s.io", resource: "mutatingwebhookconfigurations" },
  { verb: "create", group: "", resource: "namespaces" },
] as const;

async function forbiddenActions(api: ClusterApi): Promise<string[]> {
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const answers = await Promise.all(
    installing.map(async (resourceAttributes) => {
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes },
      };
      const answer = await api.request<{ status: { allowed: boolean } }>({ method: "POST", path, body });
      const { verb, resource, group } = resourceAttributes;
      return { allowed: answer.body.status.allowed, action: `${verb} ${resource}${group && `.${group}`}` };
    }),
  );
  return answers.filter(({ allowed }) => !allowed).map(({ action }) => action);
}

async function readAuthorities(api: ClusterApi, revisions: readonly LiveRevision[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, namespace, deployment } of revisions) {
    const flags = flagsOf(argumentsOf(deployment));
    if (flags.selfManagedCertificate !== true) continue;
    const path = `/api/v1/namespaces/${namespace}/secrets/${flags.authoritySecret}`;
    const secret = await readOne<DataObject>(api, path).catch(() => undefined);
    const text = secret?.data?.["ca.crt"];
    if (text !== undefined) found.set(name, Buffer.from(text, "base64").toString("utf8"));
  }
  return found;
}

/** Any image: the Pod is never stored, let alone run. */
const trialPod = (labels: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "outrigger-check-", labels },
  spec: {
    containers: [
      {
        name: "check",
        image: "outrigger.io/check",
        resources: { requests: { cpu: "1m", memory: "1Mi" }, limits: { cpu: "1m", memory: "1Mi" } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
  },
});

function hasSidecar({ spec = {} }: Pod): boolean {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(({ name }) => name === "istio-proxy");
}

/** Creates a Pod for trial, which the API server shows to every webhook and then forgets. */
async function tryPod(api: ClusterApi, namespace: string, revision: string): Promise<Trial> {
  const labels = revision === "default" ? { "sidecar.istio.io/inject": "true" } : { "istio.io/rev": revision };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  try {
    const query = { dryRun: "All" };
    const { body } = await api.request<Pod>({ method: "POST", path, query, body: trialPod(labels) });
    return { namespace, outcome: hasSidecar(body) ? "sidecar" : "no sidecar" };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { namespace, outcome: "refused", message: error.message };
  }
}

/** Reads what the checks look at, and tries a Pod with each revision. */
export async function takeSnapshot(api: ClusterApi): Promise<Snapshot> {
  const [version, podCertificates, forbidden, revisions, registrations, namespaces, pods] = await Promise.all([
    api.request<Snapshot["version"]>({ path: "/version" }).then(({ body }) => body),
    offersPodCertificates(api),
    forbiddenActions(api),
    liveRevisions(api),
    readAll<Registration>(api, registrationsPath),
    readAll<KubernetesObject>(api, "/api/v1/namespaces"),
    readAll<Pod>(api, "/api/v1/pods"),
  ]);
  const authorities = await readAuthorities(api, revisions);
  const trials = await Promise.all(revisions.map(({ name }) => tryPod(api, "default", name)));
  const cluster = { version, offersPodCertificates: podCertificates, forbidden };
  return { ...cluster, revisions, registrations, namespaces, pods, authorities, trials };
}

export { hasSidecar };
