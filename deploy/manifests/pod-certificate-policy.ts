import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from "kubernetes-models/admissionregistration.k8s.io/v1";
import type { InstallSettings } from "../settings.ts";
import { discoveryClusterWideName, podCertificateSigner } from "./discovery-names.ts";
import { commonLabels } from "./names.ts";

/**
 * Lets nobody but a Pod's own kubelet ask for its certificate. Of a node the API server checks that the Pod is its own; of
 * anybody else who may create such requests it checks nothing, and a request does not say who made it.
 */
export function podCertificatePolicy(settings: InstallSettings): IValidatingAdmissionPolicy {
  const signer = podCertificateSigner(settings);
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: policyName(settings), labels: commonLabels(settings) },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ["certificates.k8s.io"],
            apiVersions: ["*"],
            operations: ["CREATE"],
            resources: ["podcertificaterequests"],
          },
        ],
      },
      matchConditions: [{ name: "of-this-mesh", expression: `object.spec.signerName == '${signer}'` }],
      validations: [
        {
          expression:
            "request.userInfo.username == 'system:node:' + object.spec.nodeName && 'system:nodes' in request.userInfo.groups",
          reason: "Forbidden",
          message: `only the kubelet of a Pod's node may ask ${signer} for its certificate`,
        },
      ],
    },
  };
}

export function podCertificatePolicyBinding(settings: InstallSettings): IValidatingAdmissionPolicyBinding {
  const name = policyName(settings);
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name, labels: commonLabels(settings) },
    spec: { policyName: name, validationActions: ["Deny"] },
  };
}

function policyName(settings: InstallSettings): string {
  return `${discoveryClusterWideName(settings)}-pod-certificates`;
}
