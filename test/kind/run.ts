import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

const name = "outrigger-test";
const folder = join(import.meta.dirname, "..", "..", "dist", "kind");
const kubeconfig = join(folder, "kubeconfig");
const shown = { stdout: "inherit", stderr: "inherit" } as const;

/** What must be there, each with the command that shows it. */
async function checkTools(): Promise<void> {
  for (const [command, ...args] of [
    ["docker", "info"],
    ["kind", "version"],
  ] as const) {
    const { exitCode } = await execa(command, args, { reject: false });
    if (exitCode !== 0)
      throw new Error(`make test-kind needs Docker and kind; \`${command} ${args.join(" ")}\` failed`);
  }
}

async function up(): Promise<void> {
  await checkTools();
  await mkdir(folder, { recursive: true });
  const { stdout } = await execa("kind", ["get", "clusters"]);
  if (stdout.split("\n").includes(name)) return;
  const config = join(import.meta.dirname, "kind.yaml");
  const flags = ["--name", name, "--config", config, "--kubeconfig", kubeconfig, "--wait", "180s"];
  await execa("kind", ["create", "cluster", ...flags], shown);
}

async function down(): Promise<void> {
  await execa("kind", ["delete", "cluster", "--name", name, "--kubeconfig", kubeconfig], shown);
}

/** The same specs as on the test machine; images come in by kind's own way. */
async function test(command: readonly string[]): Promise<number> {
  await up();
  const runner = join(import.meta.dirname, "..", "cluster", "run.ts");
  const env = { KUBECONFIG: kubeconfig, OUTRIGGER_TEST_IMAGE_LOADER: `kind load image-archive --name ${name}` };
  const { exitCode = 1 } = await execa(process.execPath, [runner, ...command], { ...shown, env, reject: false });
  return exitCode;
}

async function main([action, ...command]: readonly string[]): Promise<number> {
  if (action === "test") return test(command);
  await (action === "down" ? down() : up());
  return 0;
}

/** usage: node run.ts up | down | test COMMAND ARGUMENTS... */
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
