import { join } from "node:path";
import { readManifestFiles } from "../../host/manifest-files.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { paintFor } from "../commands/paint.ts";
import { createProgress } from "../commands/progress.ts";
import { readManifest } from "../manifest/read.ts";
import { parseObjects } from "../manifest/yaml.ts";
import { type OpenedSandbox, openSandbox } from "../run/bring-up.ts";
import { askStatus } from "../run/control-client.ts";
import { checkHost, imageSettings, project } from "../run/prepare.ts";
import { takeDown } from "../run/stop.ts";
import type { StatusAnswer } from "../supervisor/messages.ts";
import { namesOf } from "./hops.ts";
import { meshSteps, type StepResult, withoutDiscovery } from "./mesh-steps.ts";
import { answerText, checksText, conversationsText, countersText, nextSteps, podsText } from "./print.ts";
import { commandIn, readCounters, send } from "./probe-sandbox.ts";
import { type Check, checks, type DemoAnswer, reviewsVersion, scenarios, talkers, wireChecks } from "./scenario.ts";
import { startTraffic, trafficCommand } from "./traffic.ts";
import { conversations, watchWire } from "./wire.ts";

/**
 * `make demo`: brings examples/shop up, sends requests through it, shows which way they took, and checks that it is the
 * way they should take. KEEP=1 leaves the shop up.
 */
const name = "demo";
const waitTimeoutMs = 90_000;
const graceMs = 1000;
const atOnce = 8;
const mostRounds = 5;
const keeps = process.env.KEEP === "1";

const paint = paintFor(process.stdout);
const write = (text: string) => void process.stdout.write(text);
const title = (text: string) => write(`\n${paint.strong(text)}\n`);

async function open(): Promise<OpenedSandbox> {
  const manifest = readManifest(parseObjects(await readManifestFiles([join(project, "examples/shop")])), "default");
  const images = await imageSettings({ rules: [], allowStandIn: false, needsEnvoy: true });
  const webhook = { enabled: true, revision: "default", flags: [] };
  return openSandbox(
    { name, manifest, images, ipFamilies: ["IPv4"], webhook, discovery: true, waitTimeoutMs },
    createProgress(paint, (line) => write(`  ${line}\n`), Date.now),
  );
}

/** Each request goes to one of two Pods that are as good: both versions answer before long. */
async function sendUntilBothVersions(status: StatusAnswer): Promise<DemoAnswer[]> {
  const answers: DemoAnswer[] = [];
  for (let round = 0; round < mostRounds; round += 1) {
    answers.push(...(await send(name, status, scenarios.inside, atOnce)));
    if (new Set(answers.map(reviewsVersion)).size > 1) break;
  }
  return answers;
}

function firstOfVersion(answers: readonly DemoAnswer[], version: string): DemoAnswer[] {
  return answers.filter((answer) => reviewsVersion(answer) === version).slice(0, 1);
}

const step = ({ lines }: StepResult) => write(lines.map((line) => `  ${line}\n`).join(""));

/** Does to the mesh what happens to a mesh, under requests. */
async function showMesh(status: StatusAnswer): Promise<Check[]> {
  const command = await commandIn(name, status, "shopper", trafficCommand("http://reviews/"));
  const traffic = await startTraffic(command);
  const checked: Check[] = [];
  for (const { title: what, run: act } of keeps ? meshSteps : [...meshSteps, withoutDiscovery]) {
    title(what);
    const result = await act({ name, traffic });
    step(result);
    checked.push(...result.checks);
  }
  await traffic.end();
  return checked;
}

async function show(): Promise<boolean> {
  const status = await askStatus(name);
  const wire = await watchWire(name);
  title("Pods");
  write(podsText(status));
  title("Requests, and the ports of the sidecars that they passed");
  const inside = await sendUntilBothVersions(status);
  const versions = [...firstOfVersion(inside, "v1"), ...firstOfVersion(inside, "v2")];
  const shown = versions.length > 0 ? versions : inside.slice(0, 1);
  for (const answer of shown) write(answerText(answer, `one of ${atOnce} sent at once`, paint));
  const outside = await send(name, status, scenarios.outside);
  for (const answer of outside) write(answerText(answer, "till has no sidecar", paint));
  const outAndIn = await send(name, status, scenarios.outAndIn);
  for (const answer of outAndIn) write(answerText(answer, "till asks front in turn", paint));
  title("What can be read on the wire between the Pods");
  const seen = conversations(await wire.stop(), namesOf(status), talkers);
  write(conversationsText(seen));
  title("Packets that entered the chains; of each connection the nat table sees the first");
  const counters = await readCounters(name, status);
  write(countersText(counters));
  const answers = [...inside, ...outside, ...outAndIn];
  const checked = [...checks(status, answers, counters), ...wireChecks(seen), ...(await showMesh(status))];
  write(`\n${checksText(checked, paint)}`);
  return checked.every(({ ok }) => ok);
}

async function run(): Promise<boolean> {
  checkHost();
  await takeDown(name, 0);
  title("Bringing up examples/shop: webhook, discovery, init and Envoy are the real ones");
  const { sandbox, outcome } = await open();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => sandbox.stop(0));
  const ready = (await outcome) === "ready";
  const ok = ready && (await show());
  title("Look further");
  if (keeps) {
    write(nextSteps(name));
    sandbox.detach();
    return ok;
  }
  write("  make demo KEEP=1 leaves the shop up, and says what to try\n");
  sandbox.stop(graceMs);
  await sandbox.exited;
  return ok;
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  process.stderr.write(error instanceof OutriggerError ? `demo: ${error.message}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
}
