import { Command, InvalidArgumentError } from "commander";
import { connect } from "../deploy/cluster/api.ts";
import { type InstallOptions, install, upgrade } from "../deploy/install/install.ts";
import { previewObject } from "../deploy/install/preview.ts";
import { describeProgress, type Progress } from "../deploy/install/progress.ts";
import { registrationsFor } from "../deploy/install/tags.ts";
import { policyManifests, workloadManifests } from "../deploy/manifests/manifests.ts";
import { type SettingsOptions, settingsFrom, withSettingsOptions } from "./install-options.ts";

interface Options extends SettingsOptions {
  readonly context?: string;
  readonly dryRun: boolean;
  readonly forceConflicts: boolean;
  readonly timeout: number;
}

const examples = `
Examples:
  outrigger install
  outrigger install --dry-run                          # the difference to the cluster, and nothing changed
  outrigger install --set certificates.from=cert-manager
  outrigger install -f settings.yaml --set webhook.failurePolicy=Fail
  outrigger install --revision canary                  # beside the one that is there

Installing again brings the cluster to the new settings, and changes nothing where it is there already. Each object is
told of in a line: created, changed, unchanged, deleted, or waited for.
`;

const upgradeExamples = `
Examples:
  outrigger upgrade                                    # the revision that is there, to this version, in place
  outrigger upgrade --revision canary --tag default    # istio-injection=enabled now means canary
  outrigger upgrade --revision canary --tag prod --dry-run

A tag moves when the new revision answers: at every moment one revision or the other injects. The revision it has left
stays until \`outrigger uninstall --revision\` takes it away. Restart the workloads to give them the new sidecar.
`;

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError("It must be a whole number of seconds from 1 to 3600.");
}

function printProgress(progress: Progress): void {
  process.stdout.write(`${describeProgress(progress)}\n`);
}

async function preview(options: Options): Promise<void> {
  const settings = settingsFrom(options);
  const api = await connect(options.context);
  const registrations = await registrationsFor(api, settings);
  const objects = [...workloadManifests(settings), ...registrations, ...policyManifests(settings)];
  let changes = 0;
  for (const object of objects) {
    const difference = await previewObject(api, object, options.forceConflicts);
    if (difference !== "") changes += 1;
    process.stdout.write(difference);
  }
  process.stderr.write(`${changes} of ${objects.length} objects would change\n`);
}

type Work = (options: Options, installOptions: InstallOptions) => Promise<void>;

async function runInstall(options: Options, installOptions: InstallOptions): Promise<void> {
  const settings = settingsFrom(options);
  await install(await connect(options.context), settings, installOptions);
}

async function runUpgrade(options: Options, installOptions: InstallOptions): Promise<void> {
  const settings = settingsFrom(options);
  const left = await upgrade(await connect(options.context), settings, installOptions);
  for (const revision of left) {
    process.stdout.write(`The tags have left the revision ${revision}. When no Pod uses it any more:\n`);
    process.stdout.write(`  outrigger uninstall --revision ${revision}\n`);
  }
}

function build(name: string, description: string, after: string, work: Work): Command {
  return withSettingsOptions(new Command(name).description(description))
    .option("--context <name>", "the kubeconfig's context")
    .option("--dry-run", "print the difference to the cluster, as the API server sees it, and change nothing", false)
    .option("--force-conflicts", "take over fields that somebody else has set", false)
    .option("--timeout <seconds>", "how long each wait may take", seconds, 300)
    .addHelpText("after", after)
    .action((options: Options) => {
      if (options.dryRun) return preview(options);
      const { forceConflicts: force, timeout } = options;
      return work(options, { report: printProgress, force, timeoutMs: timeout * 1000 });
    });
}

/** `outrigger install` */
export function command(): Command {
  return build("install", "Install Outrigger into the cluster, by server-side apply.", examples, runInstall);
}

/** `outrigger upgrade` */
export function upgradeCommand(): Command {
  const description = "Upgrade Outrigger: a revision in place, or by a new revision that the tags move to.";
  return build("upgrade", description, upgradeExamples, runUpgrade);
}
