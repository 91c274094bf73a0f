/** How bad it is: an error breaks injection, a warning may, and information is worth knowing. */
export type Severity = "error" | "warning" | "information";

/**
 * Everything that `outrigger check` can find. A code is stable: people search for it and switch it off by it. `meaning`
 * says what it leads to, `remedy` what to do.
 */
export const codes = {
  OC101: {
    severity: "error",
    meaning: "matchConditions and ValidatingAdmissionPolicy are not stable there; the registrations are refused",
    remedy: "upgrade Kubernetes to 1.30 or later",
  },
  OC102: {
    severity: "warning",
    meaning: "you cannot install or upgrade Outrigger with these credentials",
    remedy: "ask for the permission, or let someone install who has it",
  },
  OC103: {
    severity: "warning",
    meaning: "kubelets make no keys there: sidecars get theirs from discovery, though Pod certificates are asked for",
    remedy:
      "switch the feature gate PodCertificateRequest and its API on (Kubernetes 1.34, docs/identity.md), or set discovery.podCertificates=false",
  },
  OC201: {
    severity: "warning",
    meaning: "no Pod gets a sidecar",
    remedy: "run `outrigger install`",
  },
  OC202: {
    severity: "error",
    meaning:
      "the API server has nobody to ask: Pods start without a sidecar, or are refused where failurePolicy is Fail",
    remedy: "look at the Deployment's Pods: `kubectl describe`, and the webhook's /readyz",
  },
  OC203: {
    severity: "error",
    meaning: "the webhook runs, but the API server never asks it",
    remedy: "run `outrigger install` again",
  },
  OC204: {
    severity: "error",
    meaning: "a Pod that should get a sidecar was created without one: the API server does not reach the webhook",
    remedy:
      "look for the entry's name in the API server's log and metrics; network policies and the caBundle are the usual reasons",
  },
  OC205: {
    severity: "error",
    meaning: "the API server could not ask the webhook, and refused the Pod",
    remedy: "the message has the API server's reason",
  },
  OC301: {
    severity: "error",
    meaning: "the API server refuses the webhook's certificate: unknown authority",
    remedy: "self-managed: look at the webhook's log for a refused patch; cert-manager: look at its injector's",
  },
  OC302: {
    severity: "error",
    meaning: "the authority's certificate is no longer valid: the API server refuses the webhook's",
    remedy: "look at the log of whoever renews it: the webhook, or cert-manager",
  },
  OC303: {
    severity: "warning",
    meaning: "the authority expires within a week and was not renewed",
    remedy: "look at the log of whoever renews it: the webhook, or cert-manager",
  },
  OC401: {
    severity: "error",
    meaning: "the webhook's own Pods wait for the webhook: it cannot start when it is down",
    remedy: "exempt the namespace in the registration, as `outrigger install` does",
  },
  OC402: {
    severity: "error",
    meaning: "the cluster's own Pods wait for the webhook: the cluster may not come up without it",
    remedy: "exempt kube-system in the registration, as `outrigger install` does",
  },
  OC403: {
    severity: "warning",
    meaning: "two revisions are asked about the same Pods, and the one that comes first injects",
    remedy: "take the namespace's labels, or a tag, away from one of them",
  },
  OC404: {
    severity: "warning",
    meaning: "nobody is asked about the namespace's Pods: they start without a sidecar",
    remedy: "install the revision, or label the namespace with one that is installed",
  },
  OC405: {
    severity: "information",
    meaning: "istio-injection beats istio.io/rev, which has no effect",
    remedy: "remove one of the two labels",
  },
  OC406: {
    severity: "information",
    meaning: "no namespace asks for this revision or tag; only Pods with a label of their own get its sidecar",
    remedy: "label a namespace, or take the revision away",
  },
  OC501: {
    severity: "information",
    meaning: "these webhooks change Pods too; whoever comes later sees what the former ones did",
    remedy: "nothing, if their sidecars and Outrigger's get on; `reinvocationPolicy: IfNeeded` has us asked again",
  },
  OC502: {
    severity: "warning",
    meaning: "together they may take longer than the API server's own limit for a request (a client's is often 30 s)",
    remedy: "lower their timeoutSeconds",
  },
  OC503: {
    severity: "warning",
    meaning: "that webhook is asked about Outrigger's own Pods: while it is down, ours cannot start",
    remedy: "exempt Outrigger's namespace in that registration, or set its failurePolicy to Ignore",
  },
  OC504: {
    severity: "warning",
    meaning: "that webhook is asked about its own Pods: once down, it cannot come up again",
    remedy: "exempt its own namespace in its registration",
  },
  OC601: {
    severity: "warning",
    meaning:
      "they should have a sidecar, and have none: they were created before the label, or while the webhook was away",
    remedy: "restart them: kubectl rollout restart",
  },
  OC602: {
    severity: "information",
    meaning: "their sidecar is of another version than the webhook writes now",
    remedy: "restart them: kubectl rollout restart",
  },
  OC603: {
    severity: "warning",
    meaning: "their sidecar was written by a revision that is not installed any more",
    remedy: "label the namespace with one that is, and restart them",
  },
  OC604: {
    severity: "information",
    meaning: "discovery makes their keys, and not their kubelet, as the revision has it now",
    remedy: "restart them: kubectl rollout restart",
  },
  OC701: {
    severity: "error",
    meaning: "new Pods do not become ready; sidecars that run go on with what they have, until their certificates end",
    remedy: "look at the Deployment's Pods: `kubectl describe`, their log, and discovery's /readyz",
  },
  OC702: {
    severity: "error",
    meaning: "the webhook does not start without it: sidecars would have nothing to know discovery by",
    remedy: "look at discovery's log for a refused patch of the ConfigMap",
  },
  OC703: {
    severity: "error",
    meaning: "sidecars refuse to connect to discovery by a root that is no longer valid",
    remedy: "discovery's log says why its root had no successor; docs/identity.md says how Pods come to know another",
  },
  OC704: {
    severity: "warning",
    meaning: "when it ends, no sidecar connects to discovery any more",
    remedy: "discovery makes a successor by itself in time: its log says why it has not; docs/identity.md",
  },
} as const satisfies Readonly<Record<string, { severity: Severity; meaning: string; remedy: string }>>;

export type Code = keyof typeof codes;

/** One thing that was found. */
export interface Finding {
  readonly code: Code;
  /** Which object: `Namespace shop`. */
  readonly object: string;
  /** What is so, in one sentence without a full stop. */
  readonly message: string;
}
