import { appendFileSync, closeSync, constants, openSync, renameSync, rmSync } from "node:fs";
import { chmod, chown } from "node:fs/promises";
import { Socket } from "node:net";
import { run } from "../../host/command.ts";

/** A log file grows to this, then starts anew; the part before is kept beside it, as the kubelet does. */
const largestLogBytes = 10 * 1024 * 1024;
const tailBytes = 2048;

/** Appends to a file, in two parts of at most `largestLogBytes`. */
function rotatingFile(path: string): (chunk: Buffer) => void {
  let size = 0;
  return (chunk) => {
    if (size + chunk.length > largestLogBytes) {
      renameSync(path, `${path}.1`);
      size = 0;
    }
    appendFileSync(path, chunk);
    size += chunk.length;
  };
}

export interface ContainerLog {
  /** What the container has as standard output and error. The container closes it when its last process ends. */
  readonly writeEnd: number;
  /** To be called once the container has its own copy of `writeEnd`. */
  readonly handedOver: () => void;
  /** The last lines, once everything has arrived. */
  readonly finished: Promise<string>;
}

/**
 * Takes what a container writes into `path`. A FIFO that belongs to the container's user, because programs open
 * /dev/stdout anew, which a socket refuses to all and a pipe of root's to anyone else.
 */
export async function openContainerLog(path: string, uid: number, gid: number): Promise<ContainerLog> {
  const fifo = `${path}.fifo`;
  await run({ file: "mkfifo", args: ["--mode=0600", fifo] });
  await chown(fifo, uid, gid);
  await chmod(fifo, 0o600);
  const readEnd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(fifo, constants.O_WRONLY);
  rmSync(fifo);

  appendFileSync(path, "");
  const write = rotatingFile(path);
  let tail = Buffer.alloc(0);
  const reader = new Socket({ fd: readEnd, readable: true, writable: false });
  const finished = new Promise<string>((resolve) => {
    reader.on("data", (chunk: Buffer) => {
      write(chunk);
      tail = Buffer.concat([tail, chunk]).subarray(-tailBytes);
    });
    reader.on("error", () => undefined);
    reader.once("close", () => resolve(tail.toString("utf8")));
  });
  return { writeEnd, handedOver: () => closeSync(writeEnd), finished };
}
