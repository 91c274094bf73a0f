import { writeFile } from "node:fs/promises";
import { execa } from "execa";
import { addresses } from "./layout.ts";

/**
 * The node's own network: loopback, and an address on a veth pair with both ends in this namespace, since the device
 * type `dummy` may be missing. The default route leads nowhere; without one, a Service's address has no route and
 * kube-proxy's rule never sees the packet.
 */
export async function setUpNetwork(): Promise<void> {
  const ip = (command: string) => execa("ip", command.split(" "));
  await ip("link set lo up");
  await ip("link add node0 type veth peer name node0-peer");
  await ip(`address add ${addresses.node}/24 dev node0`);
  await ip("link set node0 up");
  await ip("link set node0-peer up");
  await ip(`route add default via ${addresses.gateway}`);
  const set = (name: string, value: string) => writeFile(`/proc/sys/net/${name}`, value);
  await set("ipv4/ip_forward", "1");
  // A reply from a Pod on the same bridge must pass the Service's address translation on its way back.
  await set("bridge/bridge-nf-call-iptables", "1");
}
