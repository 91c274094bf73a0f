import { initSubcommands } from "./init-subcommands.ts";
import { runProgram, type Subcommands } from "./program.ts";

const subcommands: Subcommands = {
  install: { summary: "install Outrigger into the cluster", load: () => import("./install.ts") },
  upgrade: {
    summary: "upgrade Outrigger, in place or by a new revision",
    load: async () => ({ command: (await import("./install.ts")).upgradeCommand }),
  },
  uninstall: { summary: "take Outrigger out of the cluster", load: () => import("./uninstall.ts") },
  manifests: { summary: "print an installation's objects as YAML", load: () => import("./manifests.ts") },
  ...initSubcommands,
  cni: { summary: "capture from the node: the agent of the CNI plugin", load: () => import("../cni/cli.ts") },
  inject: { summary: "add the sidecar to workloads in YAML files", load: () => import("./inject.ts") },
  sandbox: { summary: "run Pods on this machine, without a cluster", load: () => import("../sandbox/cli.ts") },
  webhook: { summary: "serve the admission webhook that injects Pods", load: () => import("../webhook/cli.ts") },
  uninject: { summary: "take the sidecar out of workloads in YAML files", load: () => import("./uninject.ts") },
  check: { summary: "check a cluster for Outrigger, and Outrigger in it", load: () => import("./check.ts") },
  explain: { summary: "explain whether a Pod gets a sidecar, and why", load: () => import("./explain.ts") },
  discovery: {
    summary: "serve configuration and identity to the mesh's proxies",
    load: () => import("../discovery/cli.ts"),
  },
  "proxy-status": { summary: "show which proxies are in sync", load: () => import("./proxy-status.ts") },
  "proxy-config": { summary: "show what a Pod's Envoy does", load: () => import("./proxy-config.ts") },
};

await runProgram(subcommands, process.argv.slice(2));
