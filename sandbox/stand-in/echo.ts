import { createSocket } from "node:dgram";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { env } from "node:process";

/**
 * What runs in place of an application whose image cannot be pulled: answers every HTTP request with 200 and what it was
 * asked, and every UDP packet with itself. Arguments: `tcp:8080 udp:53`, the container's ports.
 * It imports nothing of ours, since it runs alone inside a container.
 */
const largestBodyBytes = 1024 * 1024;

function answer(request: IncomingMessage, response: ServerResponse): void {
  let received = 0;
  request.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received > largestBodyBytes) request.destroy();
  });
  request.on("end", () => {
    const { method, url, headers } = request;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      `${JSON.stringify({ standIn: true, pod: env.HOSTNAME, method, url, headers, bodyBytes: received })}\n`,
    );
    process.stdout.write(`${method} ${url} 200\n`);
  });
}

for (const [protocol, port] of process.argv.slice(2).map((argument) => argument.split(":"))) {
  if (protocol === "tcp") createServer(answer).listen(Number(port));
  if (protocol !== "udp") continue;
  const socket = createSocket("udp6");
  socket.on("message", (message, client) => socket.send(message, client.port, client.address));
  socket.bind(Number(port));
}

process.stdout.write(`stand-in for an image that cannot be pulled here; ports: ${process.argv.slice(2).join(" ")}\n`);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
setInterval(() => undefined, 2 ** 30);
