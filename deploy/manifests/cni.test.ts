import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DaemonSet } from "kubernetes-models/apps/v1";
import type { IContainer, IPodSpec } from "kubernetes-models/v1";
import { type InstallInput, installSettings } from "../settings.ts";
import { cniClusterPermissions, cniNamespacePermissions } from "./cni-access.ts";
import { cniCapabilities, cniDaemonSet, cniFolders } from "./cni-agent.ts";
import { cniManifests, manifests } from "./manifests.ts";
import { webhookArguments } from "./webhook-arguments.ts";

const everything: InstallInput = { cni: { enabled: true, removeTaint: true, repair: "delete" } };
const documentation = readFileSync(join(import.meta.dirname, "../../docs/cni.md"), "utf8");

function documented(...cells: readonly string[]): void {
  assert.ok(documentation.includes(`| ${cells.join(" | ")} |`), `docs/cni.md lacks | ${cells.join(" | ")} |`);
}

function agentPod(input: InstallInput = everything): { pod: IPodSpec; container: IContainer } {
  const pod = cniDaemonSet(installSettings(input)).spec?.template.spec;
  const container = pod?.containers[0];
  assert.ok(pod !== undefined && container !== undefined);
  return { pod, container };
}

test("the agent has the documented capabilities, and none but these", () => {
  const { container } = agentPod();
  for (const { name, reason } of cniCapabilities) documented(`\`${name}\``, reason);
  assert.deepEqual(container.securityContext?.capabilities, {
    drop: ["ALL"],
    add: ["SYS_ADMIN", "NET_ADMIN", "NET_RAW"],
  });
  assert.equal(container.securityContext?.privileged, false);
  assert.equal(container.securityContext?.allowPrivilegeEscalation, false);
  assert.equal(container.securityContext?.readOnlyRootFilesystem, true);
});

test("the agent sees the documented folders of the node, and neither its network nor its processes", () => {
  const { pod, container } = agentPod();
  for (const { name, readOnly, reason } of cniFolders)
    documented(`\`${name}\``, readOnly ? "read" : "read, write", reason);
  assert.deepEqual(
    pod.volumes?.map(({ name }) => name),
    cniFolders.map(({ name }) => name),
  );
  assert.deepEqual(
    container.volumeMounts?.map(({ name }) => name),
    cniFolders.map(({ name }) => name),
  );
  assert.deepEqual([pod.hostNetwork, pod.hostPID, pod.hostIPC], [undefined, undefined, undefined]);
});

test("the agent has the documented permissions, and writes nothing in the cluster by default but events", () => {
  const modes = (["delete", "label"] as const).map((repair) => installSettings({ cni: { ...everything.cni, repair } }));
  const all = [
    ...modes.flatMap((settings) => Object.values(cniClusterPermissions(settings)).flat()),
    ...cniNamespacePermissions,
  ];
  for (const { rule, reason } of all) {
    const group = rule.apiGroups?.[0] === "" ? "" : `${rule.apiGroups?.[0]} `;
    const names = rule.resourceNames === undefined ? "" : ` ${rule.resourceNames}`;
    documented(`${group}${rule.resources}${names}: ${rule.verbs.join(", ")}`, reason);
  }
  const usual = cniClusterPermissions(installSettings({ cni: { enabled: true } }));
  assert.deepEqual(Object.keys(usual), ["pods"]);
});

test("the DaemonSet is valid, surges, and runs on every node before anything else", () => {
  const object = cniDaemonSet(installSettings(everything));
  new DaemonSet(object).validate();
  assert.deepEqual(object.spec?.updateStrategy?.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
  const { pod } = agentPod();
  assert.deepEqual(pod.tolerations, [{ operator: "Exists" }]);
  assert.equal(pod.priorityClassName, "system-node-critical");
});

test("folders of the node follow the settings, and the plugin is told the node's path", () => {
  const { pod, container } = agentPod({
    cni: { enabled: true, directories: { run: "/var/run/x", plugins: "/var/lib/cni/bin" } },
  });
  const paths = Object.fromEntries(pod.volumes?.map(({ name, hostPath }) => [name, hostPath?.path]) ?? []);
  assert.equal(paths.run, "/var/run/x");
  assert.equal(paths.plugins, "/var/lib/cni/bin");
  assert.ok(container.args?.includes("--node-run-directory=/var/run/x"));
});

test("without cni.enabled there is no agent, and with it the webhook knows", () => {
  const kinds = (input: InstallInput) => manifests(installSettings(input)).map(({ kind }) => kind);
  assert.ok(!kinds({}).includes("DaemonSet"));
  assert.ok(kinds({ cni: { enabled: true } }).includes("DaemonSet"));
  assert.deepEqual(cniManifests(installSettings({ cni: { enabled: true, agent: false } })), []);
  const flag = (input: InstallInput) =>
    webhookArguments(installSettings(input), { certificate: "/x", discovery: "/y" }).find((one) =>
      one.startsWith("--cni="),
    );
  assert.equal(flag({}), "--cni=false");
  assert.equal(flag({ cni: { enabled: true, agent: false } }), "--cni=true");
});
