import type { ICustomResourceDefinition } from "kubernetes-models/apiextensions.k8s.io/v1";

const mode = { type: "string", enum: ["UNSET", "DISABLE", "PERMISSIVE", "STRICT"] };
const tls = { type: "object", properties: { mode } };
const labels = { type: "object", additionalProperties: { type: "string", maxLength: 63 }, maxProperties: 64 };

const spec = {
  type: "object",
  properties: {
    selector: { type: "object", properties: { matchLabels: labels } },
    mtls: tls,
    portLevelMtls: { type: "object", additionalProperties: tls, minProperties: 1, maxProperties: 128 },
  },
  "x-kubernetes-validations": [
    {
      rule: "!has(self.portLevelMtls) || (has(self.selector) && has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0)",
      message: "portLevelMtls needs a selector",
    },
    {
      rule: "!has(self.portLevelMtls) || self.portLevelMtls.all(port, port.matches('^[1-9][0-9]{0,4}$') && int(port) <= 65535)",
      message: "the keys of portLevelMtls are ports",
    },
  ],
};

/**
 * Istio's API, for clusters that have not had it before. It belongs to no revision and is never deleted: with it all
 * policies would go.
 * Source: https://istio.io/latest/docs/reference/config/security/peer_authentication/
 */
export function peerAuthenticationDefinition(): ICustomResourceDefinition {
  const version = (name: string, storage: boolean) => ({
    name,
    served: true,
    storage,
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: { spec, status: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    },
    subresources: { status: {} },
    additionalPrinterColumns: [
      { name: "Mode", type: "string", jsonPath: ".spec.mtls.mode" },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
  });
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: "peerauthentications.security.istio.io",
      labels: { "app.kubernetes.io/part-of": "outrigger" },
    },
    spec: {
      group: "security.istio.io",
      scope: "Namespaced",
      names: {
        kind: "PeerAuthentication",
        listKind: "PeerAuthenticationList",
        plural: "peerauthentications",
        singular: "peerauthentication",
        shortNames: ["pa"],
        categories: ["istio-io", "security-istio-io"],
      },
      versions: [version("v1", true), version("v1beta1", false)],
    },
  };
}
