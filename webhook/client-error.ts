import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { statusOf } from "./status.ts";

const messages: Readonly<Record<number, string>> = {
  400: "the request is not valid HTTP/1.1",
  408: "the request took too long to arrive",
  431: "the request's headers are too long",
};

function codeOf(error: NodeJS.ErrnoException): number {
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") return 408;
  return error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
}

/**
 * Answers what Node.js cannot hand to the app as a request, and closes the connection.
 * @param rejected is told the HTTP status code
 */
export function clientErrorHandler(rejected: (code: number) => void) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
      socket.destroy();
      return;
    }
    const code = codeOf(error);
    rejected(code);
    const body = JSON.stringify(statusOf(code, messages[code] ?? ""));
    const head = `HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\ncontent-type: application/json\r\nconnection: close\r\n`;
    socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    socket.destroySoon();
  };
}
