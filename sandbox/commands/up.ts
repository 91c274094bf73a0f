import { Command, Option } from "commander";
import { readManifestFiles } from "../../host/manifest-files.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { type ImageRule, parseImageRule } from "../image/table.ts";
import type { IpFamily } from "../manifest/kinds.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { missingNamespaces, omissions } from "../manifest/omissions.ts";
import { readManifest } from "../manifest/read.ts";
import { parseObjects } from "../manifest/yaml.ts";
import { bringUp } from "../run/bring-up.ts";
import { checkHost, imageSettings } from "../run/prepare.ts";
import { familyList } from "./families.ts";
import { collect, defaultGraceSeconds, defaultName, seconds, withName } from "./options.ts";
import { paintFor } from "./paint.ts";
import { createProgress } from "./progress.ts";

interface Options {
  readonly filename: string[];
  readonly name: string;
  readonly namespace: string;
  readonly detach: boolean;
  readonly waitTimeout: number;
  readonly gracePeriod: number;
  readonly ipFamilies: readonly IpFamily[];
  readonly image?: readonly ImageRule[];
  readonly standIn: boolean;
  readonly webhook: boolean;
  readonly discovery: boolean;
  readonly revision: string;
  readonly nativeSidecars: "true" | "false";
  readonly webhookFlag?: readonly string[];
}

const examples = `
Examples:
  outrigger sandbox up -f examples/shop
  outrigger sandbox up --discovery -f examples/shop
  outrigger sandbox up -d -f shop.yaml -f till.yaml      then: outrigger sandbox ps, logs, exec, down
  kubectl kustomize overlays/test | outrigger sandbox up -f -
  outrigger sandbox up -f app.yaml --image 'registry.example/app:*=/usr/local/bin/app --port=8080'
  outrigger sandbox up -f app.yaml --webhook-flag=--values=/etc/values.yaml

Each Pod is shown to a webhook of this checkout if the labels of its namespace and its own say so, as in a cluster.
Without -d the command stays; Ctrl-C takes everything down. With -d it returns when all Pods are ready, with exit code 1
and the reasons when one cannot become ready; what is up then stays for a look, until: outrigger sandbox down.
Images are not pulled: a container runs its command on this machine's own files, which it cannot change.
`;

function describe({ workloads, services, namespaces }: Manifest, name: string): string {
  const counts = [
    `${workloads.length} workload${workloads.length === 1 ? "" : "s"}`,
    `${services.length} Service${services.length === 1 ? "" : "s"}`,
    `${namespaces.length} namespace${namespaces.length === 1 ? "" : "s"}`,
  ];
  return `sandbox ${name}: ${counts.join(", ")}`;
}

async function readManifests({ filename, namespace }: Options): Promise<Manifest> {
  const manifest = readManifest(parseObjects(await readManifestFiles(filename)), namespace);
  if (manifest.workloads.length > 0) return manifest;
  const problem = { field: "--filename", value: filename.join(", "), message: "holds nothing that makes a Pod" };
  throw new OutriggerError("BAD_OBJECT", [problem]);
}

function tellOmissions(manifest: Manifest, { discovery }: Options, write: (line: string) => void): void {
  for (const name of missingNamespaces(manifest)) write(`  namespace ${name} is in no file: made without labels`);
  if (manifest.policies.length > 0 && !discovery) write("  PeerAuthentication has no effect without --discovery");
  for (const line of omissions(manifest)) write(`  not emulated: ${line}`);
}

async function run(options: Options): Promise<void> {
  checkHost();
  const manifest = await readManifests(options);
  const paint = paintFor(process.stdout);
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  write(paint.strong(describe(manifest, options.name)));
  tellOmissions(manifest, options, (line) => write(paint.faint(line)));
  const images = await imageSettings({
    rules: options.image ?? [],
    allowStandIn: options.standIn,
    needsEnvoy: options.webhook,
  });
  process.exitCode = await bringUp({
    spec: {
      name: options.name,
      manifest,
      images,
      ipFamilies: options.ipFamilies,
      webhook: {
        enabled: options.webhook,
        revision: options.revision,
        flags: ["--native-sidecars", options.nativeSidecars, ...(options.webhookFlag ?? [])],
      },
      discovery: options.discovery,
      waitTimeoutMs: options.waitTimeout * 1000,
    },
    detach: options.detach,
    graceMs: options.gracePeriod * 1000,
    onMessage: createProgress(paint, write, Date.now),
    hint: () => {
      const flag = options.name === defaultName ? "" : ` --name ${options.name}`;
      write(`look further: outrigger sandbox ps${flag} | logs${flag} POD | exec${flag} POD -- COMMAND`);
      write(options.detach ? `take down: outrigger sandbox down${flag}` : "Ctrl-C takes it down");
    },
  });
}

/** `outrigger sandbox up`: brings Pods up on this machine. */
export function upCommand(): Command {
  return withName(new Command("up"))
    .description("Bring the Pods of Kubernetes YAML up on this machine, in network namespaces.")
    .requiredOption("-f, --filename <file...>", "YAML or JSON, folders, or - for standard input", collect(String))
    .option("-n, --namespace <name>", "the namespace of objects that name none", "default")
    .option("-d, --detach", "return when all Pods are ready, and leave them up", false)
    .option("--wait-timeout <seconds>", "how long to wait for Pods to become ready", seconds, 60)
    .option("--grace-period <seconds>", "how long Pods get to end, at most", seconds, defaultGraceSeconds)
    .addOption(
      new Option("--ip-families <list>", "ipv4, ipv6, or both; the first is what Services have")
        .argParser(familyList)
        .default(["IPv4"], "ipv4"),
    )
    .option("--image <name=command>", "what runs for an image; * is any text; may be repeated", collect(parseImageRule))
    .option("--no-stand-in", "refuse containers whose program is only in their image, instead of an echo server")
    .option("--no-webhook", "inject nothing")
    .option("--discovery", "run the control plane as well: the Pods become a mesh, with mutual TLS", false)
    .option("--revision <name>", "the revision that the webhook serves", "default")
    .addOption(
      new Option("--native-sidecars <choice>", "istio-proxy as a native sidecar")
        .choices(["true", "false"])
        .default("true"),
    )
    .option(
      "--webhook-flag <flag>",
      "a flag of outrigger webhook, files by absolute path; may be repeated",
      collect(String),
    )
    .addHelpText("after", examples)
    .action(run);
}
