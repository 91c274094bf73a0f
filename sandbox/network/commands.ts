import type { IpFamily } from "../manifest/kinds.ts";
import { families, familyOf } from "./addresses.ts";

/**
 * Input of `ip -batch`. Each Pod has a single address and sends everything to the node, so that traffic between Pods is
 * routed there, through the rules of Services, and answers come back the same way.
 */
const bridge = "pods";
/** Fixed, or the bridge would take over the lowest address of its ports, and Pods would lose their gateway. */
const bridgeAddress = "02:00:00:00:00:01";

/** The node's own network: the bridge with the gateways and the DNS server's addresses, and routes to Services. */
export function nodeNetwork(ipFamilies: readonly IpFamily[]): string[] {
  const addresses = ipFamilies.flatMap((family) => {
    const { node, dns, pods, services, hostPrefix } = families[family];
    const [, prefix] = pods.cidr.split("/");
    const noDetection = family === "IPv6" ? " nodad" : "";
    return [
      `address add ${node}/${prefix} dev ${bridge}${noDetection}`,
      `address add ${dns}/${hostPrefix} dev ${bridge}${noDetection}`,
      `route add ${services.cidr} dev ${bridge}`,
    ];
  });
  return [
    "link set lo up",
    `link add ${bridge} address ${bridgeAddress} type bridge forward_delay 0`,
    `link set ${bridge} up`,
    ...addresses,
  ];
}

/** A route to a Service's address that is not in the range of Services, so that its rules see the traffic. */
export function serviceRoute(address: string): string {
  return `route replace ${address} dev ${bridge}`;
}

/** On the node: the cable to a Pod whose network namespace `pid` is in. */
export function nodeSideOfPod(index: number, pid: number): string[] {
  const cable = `pod${index}`;
  return [`link add ${cable} type veth peer name eth0 netns ${pid}`, `link set ${cable} master ${bridge} up`];
}

/** In the Pod. */
export function podSide(ips: readonly string[]): string[] {
  const routes = ips.flatMap((ip) => {
    const family = familyOf(ip);
    const { node, hostPrefix } = families[family];
    return [
      `address add ${ip}/${hostPrefix} dev eth0${family === "IPv6" ? " nodad" : ""}`,
      `route add ${node} dev eth0`,
      `route add default via ${node} dev eth0`,
    ];
  });
  return ["link set lo up", "link set eth0 up", ...routes];
}

/** Settings of the node's network namespace. */
export function nodeSysctls(ipFamilies: readonly IpFamily[]): Readonly<Record<string, string>> {
  return {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    // A refused connection is told every time.
    "net.ipv4.icmp_ratelimit": "0",
    ...(ipFamilies.includes("IPv6") && { "net.ipv6.conf.all.forwarding": "1", "net.ipv6.icmp.ratelimit": "0" }),
  };
}

/**
 * Where the kernel has them: the bridge must not apply the node's rules itself, or it would hand a connection that a Pod
 * makes to itself through a Service straight to the port that it came from, which it never does.
 */
export const bridgeSysctls: Readonly<Record<string, string>> = {
  "net.bridge.bridge-nf-call-iptables": "0",
  "net.bridge.bridge-nf-call-ip6tables": "0",
};

/** Settings of each Pod's network namespace, as container runtimes make them: ports below 1024 are for all. */
export const podSysctls: Readonly<Record<string, string>> = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};
