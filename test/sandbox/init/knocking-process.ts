import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";

/** What a knocker is asked: to knock so often and tell what came of it, to go on knocking until told otherwise, or to stop and tell. */
export type Order = { readonly knock: number } | "start" | "stop";

/** How often each answer came: the word of who answered, or the error. */
export type Answers = Readonly<Record<string, number>>;

/**
 * Connects to destinations, `ADDRESS PORT` each in the arguments, in turn, and tallies who answers. As whom it does so is
 * as whom it is started.
 */
const destinations = process.argv.slice(2).map((argument) => argument.split(" "));
const atOnce = 6;
const timeoutMs = 50;
let tally: Record<string, number> = {};
let knocking = false;
let next = 0;

function knock(): Promise<void> {
  const [host = "", port = ""] = destinations[next++ % destinations.length] ?? [];
  return new Promise((done) => {
    const socket = connect({ host, port: Number(port) });
    let answer = "";
    const end = (result: string) => {
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.destroy();
      tally[result] = (tally[result] ?? 0) + 1;
      done();
    };
    socket.setTimeout(timeoutMs, () => end("no answer"));
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "error"));
    socket.on("end", () => end(answer));
  });
}

/** With a little rest, to leave the machine to what is tested. */
async function goOn(): Promise<void> {
  while (knocking) {
    await knock();
    await setTimeout(2);
  }
}

function told(): Answers {
  const answers = tally;
  tally = {};
  return answers;
}

let running: Promise<unknown> = Promise.resolve();

async function obey(order: Order): Promise<void> {
  if (order === "start") {
    knocking = true;
    running = Promise.all(Array.from({ length: atOnce }, goOn));
    return;
  }
  if (order === "stop") {
    knocking = false;
    await running;
  } else {
    await Promise.all(Array.from({ length: order.knock }, knock));
  }
  process.send?.(told());
}

process.on("message", (order: Order) => void obey(order));
process.on("disconnect", () => process.exit());
process.send?.(told());
