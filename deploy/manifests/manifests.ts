import type { KubernetesObject } from "../cluster/api.ts";
import type { InstallSettings } from "../settings.ts";
import { certManagerObjects } from "./certificates.ts";
import { cniAccessObjects, cniNamespace, cniServiceAccount } from "./cni-access.ts";
import { cniDaemonSet } from "./cni-agent.ts";
import { configuration } from "./configuration.ts";
import { peerAuthenticationDefinition } from "./custom-resources.ts";
import { discoveryAccessObjects, discoveryServiceAccount } from "./discovery-access.ts";
import { discoveryAlertRules } from "./discovery-alerts.ts";
import { hasDiscovery } from "./discovery-names.ts";
import { discoveryMonitor, discoveryNetworkPolicy, discoveryRoot, discoveryService } from "./discovery-service.ts";
import { discoveryAutoscaler, discoveryDeployment, discoveryDisruptionBudget } from "./discovery-workload.ts";
import { alertRules, dashboardConfigMap, serviceMonitor } from "./monitoring.ts";
import { namespace } from "./namespace.ts";
import { podCertificatePolicy, podCertificatePolicyBinding } from "./pod-certificate-policy.ts";
import { sidecarPolicy, sidecarPolicyBinding } from "./sidecar-policy.ts";
import { accessObjects, serviceAccount } from "./webhook-access.ts";
import { revisionRegistration, tagRegistrations } from "./webhook-registration.ts";
import { networkPolicy, service } from "./webhook-service.ts";
import { autoscaler, deployment, disruptionBudget } from "./webhook-workload.ts";

/** Typed objects, as the untyped ones that travel. */
function plain(objects: readonly object[]): KubernetesObject[] {
  return objects as KubernetesObject[];
}

/** The node agent, in the order in which it can be applied. It stands before Pods rely on it. */
export function cniManifests(settings: InstallSettings): KubernetesObject[] {
  if (!settings.cni.enabled || !settings.cni.agent) return [];
  return plain([
    cniNamespace(settings),
    cniServiceAccount(settings),
    ...cniAccessObjects(settings),
    cniDaemonSet(settings),
  ]);
}

/** The control plane, in the order in which it can be applied. It stands before the webhook, which reads its root. */
export function discoveryManifests(settings: InstallSettings): KubernetesObject[] {
  if (!hasDiscovery(settings)) return [];
  return plain([
    discoveryServiceAccount(settings),
    ...discoveryAccessObjects(settings),
    ...(settings.discovery.podCertificates
      ? [podCertificatePolicy(settings), podCertificatePolicyBinding(settings)]
      : []),
    discoveryRoot(settings),
    discoveryService(settings),
    ...(settings.networkPolicy ? [discoveryNetworkPolicy(settings)] : []),
    discoveryDisruptionBudget(settings),
    discoveryDeployment(settings),
    discoveryAutoscaler(settings),
    ...(settings.monitoring.serviceMonitor ? [discoveryMonitor(settings)] : []),
    ...(settings.monitoring.alerts ? [discoveryAlertRules(settings)] : []),
  ]);
}

/** The parts of Istio's API that have effect. Definitions outlive every installation. */
export function definitionManifests(settings: InstallSettings): KubernetesObject[] {
  return hasDiscovery(settings) ? plain([peerAuthenticationDefinition()]) : [];
}

/**
 * What runs the control plane and the webhook, in the order in which it can be applied: what is needed stands before what needs it.
 * Registrations are not in it: until the webhook answers, the API server must not be sent to it.
 */
export function workloadManifests(settings: InstallSettings): KubernetesObject[] {
  const { monitoring } = settings;
  return plain([
    namespace(settings),
    ...discoveryManifests(settings),
    serviceAccount(settings),
    ...accessObjects(settings),
    ...certManagerObjects(settings),
    configuration(settings),
    service(settings),
    ...(settings.networkPolicy ? [networkPolicy(settings)] : []),
    disruptionBudget(settings),
    deployment(settings),
    autoscaler(settings),
    ...(monitoring.serviceMonitor ? [serviceMonitor(settings)] : []),
    ...(monitoring.alerts ? [alertRules(settings)] : []),
    ...(monitoring.dashboard ? [dashboardConfigMap(settings)] : []),
  ]);
}

/** What sends Pods to the webhook. */
export function registrationManifests(settings: InstallSettings): KubernetesObject[] {
  return plain([revisionRegistration(settings), ...tagRegistrations(settings)]);
}

/** What refuses Pods that must have a sidecar and have none. */
export function policyManifests(settings: InstallSettings): KubernetesObject[] {
  return settings.sidecarPolicy ? plain([sidecarPolicy(), sidecarPolicyBinding(settings)]) : [];
}

/** Everything that an installation consists of, in order. */
export function manifests(settings: InstallSettings): KubernetesObject[] {
  return [
    ...definitionManifests(settings),
    ...cniManifests(settings),
    ...workloadManifests(settings),
    ...registrationManifests(settings),
    ...policyManifests(settings),
  ];
}
