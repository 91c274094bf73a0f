import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { podCertificateGate } from "./control-plane.ts";
import { addresses, clusterDomain, type Layout, nodeName, pauseImage } from "./layout.ts";
import type { Program } from "./programs.ts";

/** Where Debian's package containernetworking-plugins puts its executables. */
const debianPlugins = "/usr/lib/cni";
/** Where container runtimes look for plugins and their configuration, unless told otherwise. */
export const cniDirectories = { plugins: "/opt/cni/bin", configuration: "/etc/cni/net.d" } as const;

export const containerdSocket = "/run/containerd/containerd.sock";

/** `restrict_oom_score_adj` and no hugetlb: a container without CAP_SYS_RESOURCE, as a CI machine may be, can run this. */
const containerdConfiguration = (place: Layout) => `version = 2
root = ${JSON.stringify(place.containerd)}
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniDirectories.plugins}"
    conf_dir = "${cniDirectories.configuration}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

const networkConfiguration = {
  cniVersion: "1.0.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "pods0",
      isGateway: true,
      hairpinMode: true,
      ipam: { type: "host-local", ranges: [[{ subnet: addresses.podRange }]], routes: [{ dst: "0.0.0.0/0" }] },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

const kubeletConfiguration = (place: Layout) => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: join(place.credentials, "authority.crt") },
  },
  authorization: { mode: "Webhook" },
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  clusterDNS: [addresses.dnsService],
  clusterDomain,
  cgroupDriver: "cgroupfs",
  cgroupRoot: place.controlGroup,
  failCgroupV1: false,
  failSwapOn: false,
  oomScoreAdj: 0,
  resolvConf: "",
  makeIPTablesUtilChains: false,
  serializeImagePulls: false,
  featureGates: { [podCertificateGate]: true },
  imageGCHighThresholdPercent: 100,
  evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
});

const proxyConfiguration = (place: Layout) => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  mode: "nftables",
  hostnameOverride: nodeName,
  clientConnection: { kubeconfig: place.kubeconfig("kube-proxy") },
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
});

const dnsConfiguration = (place: Layout) => `.:53 {
  errors
  ready 127.0.0.1:8181
  kubernetes ${clusterDomain} in-addr.arpa {
    kubeconfig ${place.kubeconfig("admin")}
    pods insecure
    ttl 5
  }
  cache 5
}
`;

/** Writes what the node's programs read at their start. Runs inside the machine: it writes below /opt and /etc. */
export async function writeNodeConfiguration(place: Layout): Promise<void> {
  const write = (name: string, text: string) => writeFile(join(place.configuration, name), text);
  await write("containerd.toml", containerdConfiguration(place));
  await write("kubelet.json", JSON.stringify(kubeletConfiguration(place)));
  await write("kube-proxy.json", JSON.stringify(proxyConfiguration(place)));
  await write("Corefile", dnsConfiguration(place));
  for (const directory of Object.values(cniDirectories)) await mkdir(directory, { recursive: true });
  for (const plugin of await readdir(debianPlugins)) {
    await symlink(join(debianPlugins, plugin), join(cniDirectories.plugins, plugin));
  }
  await writeFile(join(cniDirectories.configuration, "10-pods.conflist"), JSON.stringify(networkConfiguration));
}

export function containerd(place: Layout): Program {
  return {
    name: "containerd",
    executable: "containerd",
    arguments: ["--config", join(place.configuration, "containerd.toml")],
  };
}

export function kubelet(place: Layout): Program {
  return {
    name: "kubelet",
    arguments: [
      `--config=${join(place.configuration, "kubelet.json")}`,
      `--kubeconfig=${place.kubeconfig("kubelet")}`,
      `--root-dir=${place.kubelet}`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${addresses.node}`,
    ],
  };
}

export function kubeProxy(place: Layout): Program {
  return { name: "kube-proxy", arguments: [`--config=${join(place.configuration, "kube-proxy.json")}`] };
}

export function dns(place: Layout): Program {
  return { name: "coredns", arguments: ["-conf", join(place.configuration, "Corefile")] };
}
