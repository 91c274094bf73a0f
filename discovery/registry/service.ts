import type { ServiceObject } from "./objects.ts";
import { type Protocol, portProtocol } from "./protocol.ts";
import { type TrafficDistribution, trafficDistributionOf } from "./traffic-distribution.ts";
import { exportToAnnotation, type Visibility, visibilityOf } from "./visibility.ts";

/** How clients reach a Service: by its own address, by its Pods' addresses, or by another name. */
export type Resolution =
  | { readonly kind: "cluster-ip"; readonly addresses: readonly string[] }
  | { readonly kind: "headless" }
  | { readonly kind: "external-name"; readonly host: string };

export interface ServicePort {
  /** Empty when the Service has one port without a name. */
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** The Pod's port, by number or by a container port's name. */
  readonly targetPort: number | string;
}

export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** `reviews.default.svc.cluster.local` */
  readonly host: string;
  readonly resolution: Resolution;
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>>;
  readonly visibility: Visibility;
  /** Which endpoints are preferred; undefined where the Service says nothing of it. */
  readonly trafficDistribution: TrafficDistribution | undefined;
}

/** What holds where a Service says nothing of its own. */
export interface ServiceDefaults {
  /** The end of every Service's name. */
  readonly domain: string;
  /** As the annotation has it. */
  readonly exportTo: string;
}

function isAddress(value: string | undefined): value is string {
  return value !== undefined && value !== "" && value !== "None";
}

function resolutionOf(spec: NonNullable<ServiceObject["spec"]>): Resolution | undefined {
  if (spec.type === "ExternalName") {
    return spec.externalName === undefined ? undefined : { kind: "external-name", host: spec.externalName };
  }
  const addresses = (spec.clusterIPs ?? [spec.clusterIP]).filter(isAddress);
  if (addresses.length > 0) return { kind: "cluster-ip", addresses };
  const headless = spec.clusterIP === "None" || spec.clusterIPs?.includes("None");
  return headless === true ? { kind: "headless" } : undefined;
}

/** Reads a Service; undefined while it has no address yet, or nothing that could be routed. */
export function serviceFrom(object: ServiceObject, { domain, exportTo }: ServiceDefaults): Service | undefined {
  const { namespace, name } = object.metadata ?? {};
  const resolution = resolutionOf(object.spec ?? {});
  if (namespace === undefined || name === undefined || resolution === undefined) return undefined;
  const ports = (object.spec?.ports ?? []).map(
    (port): ServicePort => ({
      name: port.name ?? "",
      port: port.port,
      protocol: portProtocol({ ...port, transport: port.protocol }),
      targetPort: port.targetPort ?? port.port,
    }),
  );
  return {
    namespace,
    name,
    host: `${name}.${namespace}.svc.${domain}`,
    resolution,
    ports,
    selector: object.spec?.selector ?? {},
    visibility: visibilityOf(object.metadata?.annotations?.[exportToAnnotation] ?? exportTo, namespace),
    trafficDistribution: trafficDistributionOf(object),
  };
}
