import { annotations, containers } from "../../mesh/names.ts";
import type { Container, Handler, JsonObject, Pod, PortReference, Probe } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { booleanOf } from "../annotations/boolean.ts";
import { containerLists, proxyContainer, withContainer, withContainers } from "../pod-containers.ts";
import type { PodOptions } from "../pod-options.ts";
import { withEnv } from "./env.ts";
import { actionInFieldOrder } from "./field-order.ts";
import {
  hookPlaces,
  type ProbeRecord,
  probePlaces,
  probersEnv,
  type RecordedProbe,
  readRecord,
  recordPath,
  recordText,
} from "./probe-record.ts";

/** The probes of one Pod while they are rewritten. */
interface Rewriting {
  readonly statusPort: number;
  readonly record: Record<string, RecordedProbe>;
  readonly warnings: string[];
  /** Whether the proxy makes requests to the Pod's own address only. */
  readonly ownAddressOnly: boolean;
}

/** A port by number, or by the name that the container gives it; undefined if it gives no port that name. */
function portNumber(reference: PortReference, { ports }: Container): number | undefined {
  if (typeof reference === "number") return reference;
  const named = ports?.find(({ name }) => name === reference)?.containerPort;
  return named ?? (/^\d+$/.test(reference) ? Number(reference) : undefined);
}

type Action = { kind: "httpGet" | "tcpSocket" | "grpc"; action: JsonObject & { port: PortReference } };

function actionOf({ httpGet, tcpSocket, grpc }: Probe): Action | undefined {
  if (httpGet) return { kind: "httpGet", action: httpGet };
  if (tcpSocket) return { kind: "tcpSocket", action: tcpSocket };
  return grpc ? { kind: "grpc", action: grpc } : undefined;
}

function recorded({ kind, action }: Action, port: number, timeoutSeconds: number | undefined): RecordedProbe {
  const { path, ...rest } = action;
  const shown = path === "" || path === undefined ? rest : action;
  const service = kind === "grpc" ? { service: action.service ?? null } : {};
  return {
    [kind]: actionInFieldOrder({ ...shown, port, ...service }, kind),
    ...(timeoutSeconds ? { timeoutSeconds } : {}),
  };
}

/** The handler as a request to the proxy, with what else the author said kept. */
function rewritten(handler: Handler & Probe, path: string, port: number): Handler {
  const { httpGet, tcpSocket: _tcp, grpc: _grpc, ...rest } = handler;
  const scheme = httpGet?.scheme === "HTTPS" ? { scheme: "HTTP" } : {};
  return { ...rest, httpGet: { ...httpGet, ...scheme, path, port } };
}

/** Why a probe must stay as it is; undefined if the proxy can make it. */
function obstacle({ action }: Action, port: number | undefined, ownAddressOnly: boolean): string | undefined {
  if (port === undefined) return `names the port "${action.port}", which the container does not have`;
  if (ownAddressOnly && action.host) return `asks the host "${String(action.host)}", not the Pod`;
  return undefined;
}

function rewriteHandler(
  handler: (Handler & Probe) | undefined,
  place: { field: string; path: string },
  container: Container,
  { statusPort, record, warnings, ownAddressOnly }: Rewriting,
): Handler | undefined {
  const found = handler && actionOf(handler);
  if (!found) return handler;
  const port = portNumber(found.action.port, container);
  const reason = obstacle(found, port, ownAddressOnly);
  if (reason !== undefined)
    warnings.push(`${place.field} of container ${container.name} ${reason}; it is left as it is`);
  if (reason !== undefined || port === undefined || port === statusPort) return handler;
  const path = recordPath(place.path, container.name);
  record[path] = recorded(found, port, handler.timeoutSeconds);
  return rewritten(handler, path, statusPort);
}

function rewriteContainer(container: Container, rewriting: Rewriting): Container {
  if (container.name === containers.proxy) return container;
  const changed: Record<string, unknown> = {};
  for (const place of probePlaces) {
    const probe = rewriteHandler(container[place.field], place, container, rewriting);
    if (probe !== container[place.field]) changed[place.field] = probe;
  }
  const hooks: Record<string, unknown> = {};
  for (const place of hookPlaces) {
    const before = container.lifecycle?.[place.field];
    const hook = rewriteHandler(before, place, container, rewriting);
    if (hook !== before) hooks[place.field] = hook;
  }
  if (Object.keys(hooks).length > 0) changed.lifecycle = { ...container.lifecycle, ...hooks };
  return Object.keys(changed).length === 0 ? container : { ...container, ...changed };
}

export interface RewrittenProbes {
  readonly pod: Pod;
  readonly record: ProbeRecord;
  readonly warnings: readonly string[];
}

function isWanted(pod: Pod, { settings, statusPort }: PodOptions): boolean {
  const own = booleanOf(annotationOf(pod, annotations.rewriteAppHttpProbers));
  return statusPort !== 0 && (own ?? settings.values.sidecarInjectorWebhook.rewriteAppHTTPProbe);
}

/**
 * Sends the application's probes and hooks to the proxy's status port, since kubelet's own requests would be captured
 * and could fail on the mesh's rules. What they were is recorded on istio-proxy, which makes the real request.
 * @param former the record of a former injection
 */
export function rewriteProbes(pod: Pod, options: PodOptions, former: ProbeRecord = {}): RewrittenProbes {
  const proxy = proxyContainer(pod);
  if (proxy === undefined || !isWanted(pod, options)) return { pod, record: {}, warnings: [] };
  const ownAddressOnly = options.settings.profile === "envoy";
  const rewriting: Rewriting = { statusPort: options.statusPort, record: {}, warnings: [], ownAddressOnly };
  const changed = containerLists.reduce(
    (current, list) => withContainers(current, list, (all) => all.map((one) => rewriteContainer(one, rewriting))),
    pod,
  );
  const { warnings } = rewriting;
  // What a former injection recorded, and what the user set on istio-proxy, wins.
  const record = { ...rewriting.record, ...former, ...readRecord(proxy.env) };
  if (Object.keys(record).length === 0) return { pod, record, warnings };
  const text = recordText(record);
  return { pod: withContainer(changed, proxy.name, (one) => withEnv(one, probersEnv, text)), record, warnings };
}
