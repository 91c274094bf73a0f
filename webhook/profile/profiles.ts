import type { Template, Templates } from "../template/template.ts";
import { envoySidecar, finishEnvoy } from "./envoy.ts";
import { envoyGateway, finishEnvoyGateway } from "./envoy-gateway.ts";
import { istioGateway } from "./istio-gateway.ts";
import { grpcAgent, grpcSimple } from "./istio-grpc.ts";
import { istioSidecar } from "./istio-sidecar.ts";

/** `envoy`: a stock Envoy and nothing else; `istio`: what Istio's own injector would write. */
export const profileNames = ["envoy", "istio"] as const;
export type ProfileName = (typeof profileNames)[number];

const builder = (build: Extract<Template, { kind: "builder" }>["build"]): Template => ({ kind: "builder", build });

/** A stock Envoy has no part that makes gRPC's bootstrap and keys for a Pod without a proxy. */
const needsAgent: Template = {
  kind: "unusable",
  reason: "needs Istio's agent in the Pod, which the profile envoy does not have; use the profile istio",
};

const templates: Readonly<Record<ProfileName, Templates>> = {
  envoy: new Map<string, Template>([
    ["sidecar", { kind: "builder", build: envoySidecar, finish: finishEnvoy }],
    ["gateway", { kind: "builder", build: envoyGateway, finish: finishEnvoyGateway }],
    ["grpc-agent", needsAgent],
    ["grpc-simple", needsAgent],
  ]),
  istio: new Map([
    ["sidecar", builder(istioSidecar)],
    ["gateway", builder(istioGateway)],
    ["grpc-agent", builder(grpcAgent)],
    ["grpc-simple", builder(grpcSimple)],
  ]),
};

/** The templates of a profile, by the name that `inject.istio.io/templates` gives them. */
export function profileTemplates(profile: ProfileName): Templates {
  return templates[profile];
}
