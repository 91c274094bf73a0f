import { createServer, type Server } from "node:net";
import { unrestricted } from "../container/privileges.ts";
import type { Cluster } from "./cluster.ts";
import type { ControlAnswer, ControlRequest, ExecAnswer, StatusAnswer } from "./messages.ts";

export interface ControlOptions {
  readonly socket: string;
  readonly cluster: Cluster;
  readonly webhook: () => StatusAnswer["webhook"];
  /** Begins the end of the sandbox. */
  readonly stop: (graceMs: number) => void;
}

const largestRequestBytes = 1024 * 1024;

function exec(request: Extract<ControlRequest, { type: "exec" }>, cluster: Cluster): ExecAnswer {
  const { namespace, pod: name, container, command, privileged } = request;
  const pod = cluster.find(namespace, name);
  const spec = pod?.object?.spec;
  const annotations = pod?.object?.metadata.annotations ?? {};
  const chosen = container ?? annotations["kubectl.kubernetes.io/default-container"] ?? spec?.containers[0]?.name ?? "";
  const names = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map((one) => one.name);
  if (!names.includes(chosen)) throw new Error(`Pod ${name} has no container ${chosen}; it has ${names.join(", ")}`);
  const current = pod?.worker?.task(chosen)?.current();
  if (current?.running.initPid() === undefined) throw new Error(`container ${chosen} of Pod ${name} is not running`);
  return { argv: current.enter(command, privileged ? unrestricted : undefined) };
}

function answer(request: ControlRequest, options: ControlOptions): ControlAnswer {
  const { cluster } = options;
  switch (request.type) {
    case "status":
      return {
        result: { pods: cluster.reports(), services: cluster.serviceReports(), webhook: options.webhook() },
      };
    case "object":
      return { result: { object: cluster.find(request.namespace, request.pod)?.rawObject } };
    case "exec":
      return { result: exec(request, cluster) };
    case "stop":
      options.stop(request.graceMs);
      return { result: {} };
  }
}

function answerText(text: string, options: ControlOptions): ControlAnswer {
  try {
    return answer(JSON.parse(text) as ControlRequest, options);
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Serves other `outrigger sandbox` commands. Who may open the socket, in a folder for root only, may do all of it. */
export function serveControl(options: ControlOptions): Server {
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    let received = "";
    connection.setEncoding("utf8");
    connection.on("error", () => connection.destroy());
    connection.on("data", (chunk: string) => {
      received += chunk;
      if (received.length > largestRequestBytes) connection.destroy();
    });
    connection.once("end", () => {
      connection.end(`${JSON.stringify(answerText(received, options))}\n`);
    });
  });
  server.listen(options.socket);
  return server;
}
