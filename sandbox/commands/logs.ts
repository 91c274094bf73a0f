import { existsSync, readdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { OutriggerError } from "../../mesh/errors.ts";
import { askStatus } from "../run/control-client.ts";
import { runFolder } from "../run/folder.ts";
import type { PodReport } from "../supervisor/report.ts";
import { findPod } from "./find-pod.ts";
import { namespaceOption, withName } from "./options.ts";

interface Options {
  readonly name: string;
  readonly namespace?: string;
  readonly container?: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly tail?: number;
}

const examples = `
Examples:
  outrigger sandbox logs web
  outrigger sandbox logs -f web -c istio-proxy
  outrigger sandbox logs web -c istio-init --previous

POD is a Pod's name, or its workload's: web, deploy/web.
`;

const pollMs = 100;

function refuse(field: string, message: string, remedy?: string): never {
  throw new OutriggerError("SANDBOX_FAILED", [{ field, message, ...(remedy !== undefined && { remedy }) }]);
}

function containerOf({ name, containers }: PodReport, asked: string | undefined): string {
  const names = containers.map((container) => container.name);
  const chosen = asked ?? containers.find(({ role }) => role === "main")?.name ?? "";
  if (!names.includes(chosen))
    refuse(`container ${chosen}`, `is not in Pod ${name}`, `choose one of: ${names.join(", ")}`);
  return chosen;
}

/** The log files of a container, one for each start, the oldest first. */
function logFiles(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".log")) : [];
  return names
    .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
    .map((name) => join(folder, name));
}

function lastLines(text: string, count: number | undefined): string {
  if (count === undefined) return text;
  const lines = text.split("\n");
  return lines.slice(Math.max(0, lines.length - count - (text.endsWith("\n") ? 1 : 0))).join("\n");
}

async function print(file: FileHandle, tail: number | undefined): Promise<void> {
  process.stdout.write(lastLines(await file.readFile("utf8"), tail));
}

/** Prints what is appended, until the container has ended or the sandbox is gone. */
async function follow(file: FileHandle, isRunning: () => Promise<boolean>): Promise<void> {
  const buffer = Buffer.alloc(65536);
  let checkIn = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer);
    process.stdout.write(buffer.subarray(0, bytesRead));
    if (bytesRead > 0) continue;
    checkIn = (checkIn + 1) % 10;
    if (checkIn === 0 && !(await isRunning())) return;
    await sleep(pollMs);
  }
}

async function run(typed: string, options: Options): Promise<void> {
  const { name } = options;
  const pod = findPod((await askStatus(name)).pods, typed, options.namespace);
  const container = containerOf(pod, options.container);
  const files = logFiles(join(runFolder(name), "logs", pod.namespace, pod.name, container));
  const path = files.at(options.previous ? -2 : -1);
  if (path === undefined) {
    refuse(`container ${container}`, options.previous ? "has not been restarted" : "has not been started");
  }
  const file = await open(path, "r");
  await print(file, options.tail);
  const isRunning = async () => {
    const { pods } = await askStatus(name).catch(() => ({ pods: [] }));
    const now = pods.find((one) => one.name === pod.name && one.namespace === pod.namespace);
    return now?.containers.find((one) => one.name === container)?.state.state === "running";
  };
  if (options.follow) await follow(file, isRunning);
  await file.close();
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

/** `outrigger sandbox logs`: what a container wrote. */
export function logsCommand(): Command {
  return withName(new Command("logs"))
    .description("Print what a container of a sandbox has written.")
    .argument("<pod>", "a Pod, or a workload")
    .option(...namespaceOption)
    .option("-c, --container <name>", "the container; default: the Pod's first")
    .option("-f, --follow", "go on printing until the container ends", false)
    .option("-p, --previous", "of the time before its last restart", false)
    .option("--tail <lines>", "only the last lines", wholeNumber)
    .addHelpText("after", examples)
    .action(run);
}
