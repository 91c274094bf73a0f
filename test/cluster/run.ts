import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { execa } from "execa";
import { writeImages } from "./images.ts";
import { machineHandle, machineVariable } from "./machine/handle.ts";
import { obstacle } from "./machine/obstacle.ts";
import { startMachine } from "./machine/start.ts";

const imageFolder = join(import.meta.dirname, "..", "..", "dist", "images");

/** Gives a cluster of the user's the images, by the command in OUTRIGGER_TEST_IMAGE_LOADER with each archive's path. */
async function loadImages(loader: string): Promise<void> {
  const [command = "", ...args] = loader.split(" ");
  for (const image of await writeImages(imageFolder)) await execa(command, [...args, image]);
}

/**
 * Runs a command with `KUBECONFIG` naming a cluster: the caller's own if it is set already, or else a test machine that
 * lives as long as the command and whose kubectl is on its PATH. On a computer that can run no test machine, it says why
 * and runs nothing. usage: node run.ts COMMAND ARGUMENTS...
 */
async function runWithCluster(command: string, args: readonly string[]): Promise<number> {
  const { KUBECONFIG: own, OUTRIGGER_TEST_IMAGE_LOADER: loader } = process.env;
  if (own !== undefined) {
    if (loader !== undefined) await loadImages(loader);
    return run(command, args, {});
  }
  const reason = await obstacle();
  if (reason !== undefined) return skip(reason);
  const started = performance.now();
  const [machine, images] = await Promise.all([startMachine(), writeImages(imageFolder)]);
  const stop = () => machine.stop();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void stop().then(() => process.exit(1)));
  try {
    const where = { state: machine.place.state, pid: machine.pid };
    for (const image of images) await machineHandle(where).loadImage(image);
    process.stderr.write(`cluster ready after ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    return await run(command, args, {
      KUBECONFIG: machine.kubeconfig,
      PATH: `${machine.place.programs}:${process.env.PATH}`,
      [machineVariable]: JSON.stringify(where),
    });
  } finally {
    await stop();
  }
}

/** Says why nothing is run, in the words in which a run of tests tells of what it skipped. */
function skip(reason: string): number {
  process.stdout.write(`skipped 1: ${reason}\n0 passed, 0 failed, 1 skipped\n`);
  return 0;
}

async function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...environment } });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

const [command = "sh", ...args] = process.argv.slice(2);
process.exit(await runWithCluster(command, args));
