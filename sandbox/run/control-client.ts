import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { OutriggerError } from "../../mesh/errors.ts";
import type { MeshPolicy } from "../manifest/manifest.ts";
import type { ControlAnswer, ControlRequest, ExecAnswer, ObjectAnswer, StatusAnswer } from "../supervisor/messages.ts";
import { readState, runFolder, sandboxNames, supervisorLog } from "./folder.ts";
import { isAlive } from "./process-identity.ts";

function notUp(name: string): never {
  const folder = runFolder(name);
  if (readState(folder) !== undefined) {
    const remedy = `see ${supervisorLog(folder)}; what it left is removed by: outrigger sandbox down --name ${name}`;
    throw new OutriggerError("SANDBOX_FAILED", [{ field: `sandbox ${name}`, message: "has been killed", remedy }]);
  }
  const others = sandboxNames().filter((other) => other !== name);
  const remedy =
    others.length > 0
      ? `choose one that is: --name ${others.join(", --name ")}`
      : "bring one up: outrigger sandbox up -f FILE";
  throw new OutriggerError("SANDBOX_FAILED", [{ field: `sandbox ${name}`, message: "is not up", remedy }]);
}

/** The process outside of the sandbox whose only child is the first process inside. @throws OutriggerError when not up */
export function supervisorPid(name: string): number {
  const { supervisor } = readState(runFolder(name)) ?? {};
  return supervisor !== undefined && isAlive(supervisor) ? supervisor.pid : notUp(name);
}

async function ask(name: string, request: ControlRequest): Promise<ControlAnswer> {
  supervisorPid(name);
  const socket = connect({ path: join(runFolder(name), "control.sock") });
  socket.end(JSON.stringify(request));
  try {
    return JSON.parse(await text(socket)) as ControlAnswer;
  } catch (error) {
    const problem = { field: `sandbox ${name}`, message: `does not answer: ${(error as Error).message}` };
    throw new OutriggerError("SANDBOX_FAILED", [problem], { cause: error });
  }
}

async function result<T>(name: string, request: ControlRequest): Promise<T> {
  const answer = await ask(name, request);
  if ("result" in answer) return answer.result as T;
  throw new OutriggerError("SANDBOX_FAILED", [{ field: `sandbox ${name}`, message: answer.error }]);
}

export async function askStatus(name: string): Promise<StatusAnswer> {
  return await result(name, { type: "status" });
}

type Asked<Type extends ControlRequest["type"]> = Omit<Extract<ControlRequest, { type: Type }>, "type">;

export async function askExec(name: string, request: Asked<"exec">): Promise<ExecAnswer> {
  return await result(name, { type: "exec", ...request });
}

export async function askObject(name: string, namespace: string, pod: string): Promise<unknown> {
  return (await result<ObjectAnswer>(name, { type: "object", namespace, pod })).object;
}

export async function askScale(name: string, request: Asked<"scale">): Promise<void> {
  await result(name, { type: "scale", ...request });
}

/** Resolves when the Pod is gone. */
export async function askDelete(name: string, request: Asked<"delete">): Promise<void> {
  await result(name, { type: "delete", ...request });
}

export async function askApply(name: string, policies: readonly MeshPolicy[]): Promise<void> {
  await result(name, { type: "apply", policies });
}

export async function askStop(name: string, graceMs: number): Promise<void> {
  await result(name, { type: "stop", graceMs });
}
