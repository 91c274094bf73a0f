import { createServer } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";

/**
 * An application that can turn unhealthy and back: HTTP on 8080, a TCP port 9000 that is open while it is well, and
 * servers that speak first on 9100 and 3306. `/off` and `/on` switch it, `/metrics` counts.
 */
let well = true;
let port9000: Server | undefined;

function openPort(): void {
  port9000 = createTcpServer((socket) => socket.on("error", () => undefined)).listen(9000, "::");
}

function switchTo(next: boolean): void {
  if (next === well) return;
  well = next;
  if (well) openPort();
  else port9000?.close();
}

const http = createServer((request, response) => {
  if (request.url === "/off") switchTo(false);
  if (request.url === "/on") switchTo(true);
  if (request.url === "/metrics") {
    response.end("# TYPE till_sales counter\ntill_sales 7\n");
    return;
  }
  const healthy = well || request.url === "/on" || request.url === "/off";
  const { remoteAddress } = request.socket;
  response.writeHead(healthy ? 200 : 500, { "X-Till": "open" });
  response.end(JSON.stringify({ url: request.url, remoteAddress, headers: request.rawHeaders }));
});

function speakFirst(port: number): void {
  createTcpServer((socket) => socket.on("error", () => undefined).end("220 welcome\n")).listen(port, "::");
}

openPort();
speakFirst(9100);
speakFirst(3306);
http.listen(8080, "::", () => process.stdout.write("listening\n"));
