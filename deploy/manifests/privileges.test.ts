import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { installSettings } from "../settings.ts";
import {
  discoveryClusterPermissions,
  discoveryNamespacePermissions,
  podCertificatePermissions,
} from "./discovery-access.ts";
import { discoveryDeployment } from "./discovery-workload.ts";
import { clusterPermissions, namespacePermissions, openShiftPermissions, type Permission } from "./webhook-access.ts";
import { deployment } from "./webhook-workload.ts";

const document = await readFile(join(import.meta.dirname, "..", "..", "docs", "privileges.md"), "utf8");

/** The table's rows below a heading, without its head. */
function rowsBelow(heading: string): string[] {
  const section = document.split(`# ${heading}\n`)[1]?.split("\n#")[0] ?? "";
  return section.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| resource"));
}

function rowOf({ rule, reason }: Permission): string {
  const resources = (rule.resources ?? []).map((resource) => {
    const [group = ""] = rule.apiGroups ?? [];
    return group === "" ? resource : `${resource}.${group}`;
  });
  const names = rule.resourceNames?.join(", ") ?? "all";
  return `| ${resources.join(", ")} | ${rule.verbs.join(", ")} | ${names} | ${reason} |`;
}

test("docs/privileges.md has the webhook's permissions, each with its reason", () => {
  const settings = installSettings();
  assert.deepEqual(rowsBelow("The webhook, in the whole cluster"), clusterPermissions(settings).map(rowOf));
  assert.deepEqual(rowsBelow("The webhook, in its own namespace"), namespacePermissions(settings).map(rowOf));
  assert.deepEqual(rowsBelow("On OpenShift"), openShiftPermissions.map(rowOf));
});

test("docs/privileges.md has discovery's permissions, each with its reason", () => {
  const namespace = discoveryNamespacePermissions(installSettings());
  assert.deepEqual(rowsBelow("Discovery, in the whole cluster"), discoveryClusterPermissions.map(rowOf));
  assert.deepEqual(rowsBelow("Discovery, in its own namespace"), namespace.map(rowOf));
  const forPods = podCertificatePermissions(installSettings());
  assert.deepEqual(rowsBelow("Discovery, for Pod certificates"), forPods.map(rowOf));
});

test("with cert-manager the webhook may do less, as the document says", () => {
  const settings = installSettings({ certificates: { from: "cert-manager" } });
  const [cluster, namespace] = [clusterPermissions(settings), namespacePermissions(settings)];
  assert.deepEqual(cluster.map(rowOf), rowsBelow("The webhook, in the whole cluster").slice(0, 2));
  assert.deepEqual(namespace.map(rowOf), rowsBelow("The webhook, in its own namespace").slice(0, 2));
});

test("no permission is for everything", () => {
  const settings = installSettings({ tags: ["prod"] });
  const discovery = [
    ...discoveryClusterPermissions,
    ...podCertificatePermissions(settings),
    ...discoveryNamespacePermissions(settings),
  ];
  for (const { rule } of [...clusterPermissions(settings), ...namespacePermissions(settings), ...discovery]) {
    for (const part of [...(rule.apiGroups ?? []), ...(rule.resources ?? []), ...rule.verbs])
      assert.notEqual(part, "*");
  }
});

for (const { name, workload } of [
  { name: "webhook", workload: deployment },
  { name: "discovery", workload: discoveryDeployment },
])
  test(`the container ${name} has no privileges`, () => {
    const spec = workload(installSettings()).spec?.template.spec;
    const [container] = spec?.containers ?? [];
    assert.deepEqual(container?.securityContext, {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
    });
    assert.deepEqual(spec?.securityContext, { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    assert.match(document, new RegExp(`^\\| \`${name}\` \\| 65532 \\| none \\| read-only \\|`, "m"));
  });
