import type { ContainerSpec } from "../pod/container-schema.ts";
import type { PodSpec } from "../pod/schema.ts";
import { ContainerConfigError } from "./environment.ts";

/**
 * The user and the capabilities that a container runs with.
 * Rules: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
 */
export interface Privileges {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** The bounding set; `all` for a privileged container. A process that is not root has no other capability set. */
  readonly capabilities: readonly string[] | "all";
  readonly noNewPrivileges: boolean;
}

/** Linux's capabilities, in the kernel's order (include/uapi/linux/capability.h). */
const known: readonly string[] = (
  "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service " +
  "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin " +
  "sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override " +
  "mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split(" ");

/** What container runtimes give when the Pod says nothing. */
const runtimeDefault: readonly string[] = (
  "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write " +
  "setfcap"
).split(" ");

function normalized(capability: string): string {
  return capability.toLowerCase().replace(/^cap_/, "");
}

function capabilitiesOf({ securityContext }: ContainerSpec): Privileges["capabilities"] {
  if (securityContext.privileged) return "all";
  const add = securityContext.capabilities.add.map(normalized);
  const drop = securityContext.capabilities.drop.map(normalized);
  const unknown = [...add, ...drop].find((name) => name !== "all" && !known.includes(name));
  if (unknown !== undefined) throw new ContainerConfigError(`unknown capability "${unknown.toUpperCase()}"`);
  const base = add.includes("all") ? known : runtimeDefault;
  const kept = drop.includes("all") ? [] : base.filter((name) => !drop.includes(name));
  return known.filter((name) => kept.includes(name) || add.includes(name));
}

/** @throws ContainerConfigError when the Pod forbids root and names no other user, or names an unknown capability */
export function privilegesOf(container: ContainerSpec, pod: PodSpec): Privileges {
  const own = container.securityContext;
  const shared = pod.securityContext;
  const uid = own.runAsUser ?? shared.runAsUser ?? 0;
  if (uid === 0 && (own.runAsNonRoot ?? shared.runAsNonRoot) === true) {
    throw new ContainerConfigError("container has runAsNonRoot and image will run as root");
  }
  return {
    uid,
    gid: own.runAsGroup ?? shared.runAsGroup ?? 0,
    groups: [...shared.supplementalGroups, ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])],
    capabilities: capabilitiesOf(container),
    noNewPrivileges: !own.allowPrivilegeEscalation && !own.privileged,
  };
}

/** The root of the whole machine's capabilities, for a person who looks into a Pod. */
export const unrestricted: Privileges = { uid: 0, gid: 0, groups: [], capabilities: "all", noNewPrivileges: false };

/** The flags of util-linux' setpriv that give exactly these privileges. */
export function setprivFlags({ uid, gid, groups, capabilities, noNewPrivileges }: Privileges): string[] {
  const bounding = capabilities === "all" ? "+all" : ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
    `--bounding-set=${bounding}`,
    "--inh-caps=-all",
    ...(noNewPrivileges ? ["--no-new-privs"] : []),
  ];
}
