import { Command } from "commander";
import { manifests } from "../deploy/manifests/manifests.ts";
import { printManifests } from "../deploy/manifests/print.ts";
import { type SettingsOptions, settingsFrom, withSettingsOptions } from "./install-options.ts";

const examples = `
Examples:
  outrigger manifests > outrigger.yaml
  outrigger manifests --revision canary --tag prod | kubectl diff -f -
  outrigger manifests --set monitoring.alerts=true | kubectl apply --server-side -f -

The same objects that \`outrigger install\` applies, for those who keep them in Git.
`;

/** `outrigger manifests` */
export function command(): Command {
  return withSettingsOptions(new Command("manifests").description("Print an installation's objects as YAML."))
    .addHelpText("after", examples)
    .action((options: SettingsOptions) => {
      process.stdout.write(printManifests(manifests(settingsFrom(options))));
    });
}
