import { selectorMatches } from "../../mesh/selector.ts";
import { portMode, type TlsMode } from "../registry/peer-authentication.ts";
import type { Protocol } from "../registry/protocol.ts";
import type { Service, ServicePort } from "../registry/service.ts";
import type { Workload } from "../registry/workload.ts";
import type { MeshView } from "./mesh-view.ts";

/** A port of a Pod that a Service sends traffic to. */
export interface InboundPort {
  readonly port: number;
  readonly protocol: Protocol;
  readonly service: Service;
  readonly mode: TlsMode;
}

/** What a Pod takes: on the ports that Services name, and on all the others. */
export interface InboundPorts {
  readonly ports: readonly InboundPort[];
  /** The mode of every port that is not among `ports`, and those with a mode of their own. */
  readonly mode: TlsMode;
  readonly otherPortModes: ReadonlyMap<number, TlsMode>;
}

function isSelected({ selector }: Service, workload: Workload): boolean {
  if (Object.keys(selector).length === 0) return false;
  return selectorMatches({ matchLabels: selector }, workload.labels);
}

function targetPort({ targetPort: target }: ServicePort, workload: Workload): number | undefined {
  if (typeof target === "number") return target;
  return workload.containerPorts.find(({ name }) => name === target)?.port ?? parsedPort(target);
}

function parsedPort(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * The ports of a Pod, ascending. Where two Services disagree about one, the first by name decides its protocol.
 */
export function inboundPorts(view: MeshView, workload: Workload): InboundPorts {
  const modes = view.modesOf(workload);
  const found = new Map<number, InboundPort>();
  for (const service of view.servicesIn(workload.namespace)) {
    if (!isSelected(service, workload)) continue;
    for (const servicePort of service.ports) {
      const port = targetPort(servicePort, workload);
      if (port === undefined || servicePort.protocol === "udp" || found.has(port)) continue;
      found.set(port, { port, protocol: servicePort.protocol, service, mode: portMode(modes, port) });
    }
  }
  const ports = [...found.values()].sort((one, other) => one.port - other.port);
  const otherPortModes = new Map([...modes.portModes].filter(([port]) => !found.has(port)));
  return { ports, mode: modes.mode, otherPortModes };
}
