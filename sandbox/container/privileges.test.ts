import assert from "node:assert/strict";
import { test } from "node:test";
import { readPod } from "../pod/schema.ts";
import { privilegesOf, setprivFlags } from "./privileges.ts";

function privileges(securityContext: object, podSecurity: object = {}) {
  const pod = readPod(
    {
      metadata: { name: "web", namespace: "shop", uid: "u" },
      spec: { securityContext: podSecurity, containers: [{ name: "web", securityContext }] },
    },
    "Pod",
  );
  const [container] = pod.spec.containers;
  assert.ok(container);
  return privilegesOf(container, pod.spec);
}

test("without a word a container is root with the runtime's capabilities", () => {
  const { uid, gid, capabilities, noNewPrivileges } = privileges({});
  assert.deepEqual({ uid, gid, noNewPrivileges }, { uid: 0, gid: 0, noNewPrivileges: false });
  assert.ok(capabilities.includes("net_raw") && !capabilities.includes("net_admin"));
  assert.equal(capabilities.length, 14);
});

test("istio-init has two capabilities and nothing else", () => {
  const found = privileges({
    runAsUser: 0,
    allowPrivilegeEscalation: false,
    capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
  });
  assert.deepEqual(found.capabilities, ["net_admin", "net_raw"]);
  assert.deepEqual(setprivFlags(found), [
    "--reuid=0",
    "--regid=0",
    "--clear-groups",
    "--bounding-set=-all,+net_admin,+net_raw",
    "--inh-caps=-all",
    "--no-new-privs",
  ]);
});

test("a container's user wins over the Pod's", () => {
  const found = privileges({ runAsUser: 7 }, { runAsUser: 5, runAsGroup: 6, fsGroup: 9, supplementalGroups: [8] });
  assert.deepEqual([found.uid, found.gid, found.groups], [7, 6, [8, 9]]);
});

test("a privileged container keeps every capability", () => {
  assert.equal(privileges({ privileged: true }).capabilities, "all");
});

test("CAP_ in front of a name is the same name; an unknown name is refused", () => {
  assert.deepEqual(privileges({ capabilities: { add: ["CAP_SYS_TIME"], drop: ["all"] } }).capabilities, ["sys_time"]);
  assert.throws(() => privileges({ capabilities: { add: ["FLY"] } }), /unknown capability "FLY"/);
});

test("runAsNonRoot refuses root", () => {
  assert.throws(() => privileges({}, { runAsNonRoot: true }), /will run as root/);
  assert.equal(privileges({ runAsUser: 1 }, { runAsNonRoot: true }).uid, 1);
});
