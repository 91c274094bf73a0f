import { join } from "node:path";

/** The addresses of the test machine's private network; nothing outside its network namespace sees them. */
export const addresses = {
  node: "192.168.200.1",
  gateway: "192.168.200.254",
  podRange: "10.244.0.0/24",
  serviceRange: "10.96.0.0/16",
  apiService: "10.96.0.1",
  dnsService: "10.96.0.10",
} as const;

export const nodeName = "node-1";
export const clusterDomain = "cluster.local";
export const apiPort = 6443;
export const pauseImage = "docker.io/outrigger-test/pause:1";

/** Where the files of one test machine stand, all below the folder `state`, which is removed with the machine. */
export function layout(state: string) {
  const at = (...parts: readonly string[]) => join(state, ...parts);
  return {
    state,
    /** Holds the process id of the machine's starter. */
    owner: at("owner"),
    /** The programs, linked here under their own names. */
    programs: at("bin"),
    credentials: at("credentials"),
    configuration: at("configuration"),
    logs: at("logs"),
    auditLog: at("logs", "audit.log"),
    store: at("store"),
    /** The API server, as a Unix socket that the machine relays to its TCP port. */
    apiSocket: at("api.sock"),
    /** Starts and stops the machine's programs. */
    controlSocket: at("control.sock"),
    /** Copy-on-write folders over the machine's own. */
    overlays: at("overlays"),
    containerd: at("containerd"),
    kubelet: at("kubelet"),
    kubeconfig: (user: string) => at("credentials", `${user}.kubeconfig`),
    /** The control group below which all Pods run, one for each test machine. */
    controlGroup: `/outrigger-${state.slice(state.lastIndexOf("-") + 1)}`,
  } as const;
}

export type Layout = ReturnType<typeof layout>;
