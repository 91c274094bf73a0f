import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { ProgramState, Programs } from "./programs.ts";

/** What can be done to a program of the machine from outside. */
export type Operation = "start" | "stop" | "kill";

async function operate(programs: Programs, operation: string, name: string): Promise<void> {
  if (operation === "start") return programs.startKnown(name);
  if (operation === "stop") return programs.stop(name);
  if (operation === "kill") return programs.stop(name, "SIGKILL");
  throw new Error(`no operation ${operation}`);
}

async function answer(programs: Programs, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, operation = "", name = ""] = (incoming.url ?? "").split("/");
  try {
    if (operation !== "states") await operate(programs, operation, name);
    response.end(JSON.stringify(programs.states()));
  } catch (error) {
    response.writeHead(400).end(JSON.stringify({ error: (error as Error).message }));
  }
}

/** Serves `/states`, `/start/NAME`, `/stop/NAME` and `/kill/NAME` on a Unix socket. */
export async function serveControl(programs: Programs, path: string): Promise<void> {
  const server = createServer((incoming, response) => {
    answer(programs, incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(path);
  await once(server, "listening");
}

/** Asks the machine's control socket. */
export async function control(
  path: string,
  operation: Operation | "states",
  name = "",
): Promise<Record<string, ProgramState>> {
  const outgoing = request({ socketPath: path, path: `/${operation}/${name}`, method: "POST" }).end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  const text = (await response.toArray()).join("");
  if (response.statusCode !== 200) throw new Error(`${operation} ${name}: ${text}`);
  return JSON.parse(text) as Record<string, ProgramState>;
}
