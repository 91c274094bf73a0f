import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerSpec, HandlerSpec, ProbeSpec } from "../pod/container-schema.ts";
import { probeGrpc } from "./grpc.ts";
import { probeHttp } from "./http.ts";
import { failure, type Outcome, success } from "./outcome.ts";
import { probeTcp } from "./tcp.ts";

/** The container that is asked. */
export interface ProbeTarget {
  readonly container: ContainerSpec;
  readonly podIp: string;
  /** Runs a command in the container. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<Outcome>;
}

/** A port by number, or by the name of one of the container's. */
function portNumber(reference: number | string, { ports }: ContainerSpec): number | undefined {
  return typeof reference === "number" ? reference : ports.find(({ name }) => name === reference)?.containerPort;
}

async function act(
  spec: HandlerSpec & Pick<ProbeSpec, "grpc">,
  { container, podIp, exec }: ProbeTarget,
  timeoutMs: number,
): Promise<Outcome> {
  if (spec.exec !== undefined) return await exec(spec.exec.command, timeoutMs);
  if (spec.grpc !== undefined) return await probeGrpc(podIp, spec.grpc.port, spec.grpc.service, timeoutMs);
  if (spec.sleep !== undefined) {
    await sleep(Math.min(spec.sleep.seconds * 1000, timeoutMs));
    return success;
  }
  const { httpGet, tcpSocket } = spec;
  const reference = httpGet?.port ?? tcpSocket?.port;
  if (reference === undefined) return failure("names no action");
  const port = portNumber(reference, container);
  if (port === undefined) return failure(`the container has no port named "${reference}"`);
  if (httpGet !== undefined) return await probeHttp(httpGet, { ip: podIp, port, timeoutMs });
  return await probeTcp(tcpSocket?.host ?? podIp, port, timeoutMs);
}

/** Makes one attempt. One that cannot even be made, such as for a header that HTTP does not allow, has failed. */
export async function attempt(...[spec, target, timeoutMs]: Parameters<typeof act>): Promise<Outcome> {
  try {
    return await act(spec, target, timeoutMs);
  } catch (error) {
    return failure((error as Error).message);
  }
}
