import type { Socket } from "node:net";
import { OutriggerError } from "../../mesh/errors.ts";
import { longestRequestBytes, type PluginRequest, parseRequest } from "../plugin-request.ts";
import { cniError, type PluginAnswer } from "./answer.ts";

/** A whole request is a few kilobytes from the same machine. */
const requestTimeoutMs = 5_000;

export type Handle = (request: PluginRequest) => Promise<void>;

export interface ServeOptions {
  readonly handle: Handle;
  /** What went wrong with a request that could not even be read. */
  readonly refused: (error: unknown) => void;
}

function tooLong(): OutriggerError {
  const message = `is longer than ${longestRequestBytes} bytes`;
  return new OutriggerError("BAD_CNI_REQUEST", [{ field: "the request", message }]);
}

/** Everything until the peer closes for writing. */
async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestRequestBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function write(socket: Socket, answer: PluginAnswer): void {
  // A peer that is gone already asks for nothing more.
  if (socket.destroyed) return;
  socket.end(JSON.stringify(answer), () => socket.destroySoon());
}

async function answerTo(socket: Socket, { handle, refused }: ServeOptions): Promise<PluginAnswer> {
  let request: PluginRequest;
  try {
    request = parseRequest(await readAll(socket));
  } catch (error) {
    refused(error);
    return { ok: false, error: cniError(error) };
  }
  try {
    await handle(request);
    return { ok: true };
  } catch (error) {
    return { ok: false, error: cniError(error) };
  }
}

/** Serves one connection: one request, one answer, the end. */
export function serveConnection(socket: Socket, options: ServeOptions): void {
  const late = setTimeout(() => socket.destroy(), requestTimeoutMs).unref();
  socket.once("end", () => clearTimeout(late));
  socket.once("close", () => clearTimeout(late));
  socket.on("error", () => socket.destroy());
  void answerTo(socket, options).then((answer) => write(socket, answer));
}
