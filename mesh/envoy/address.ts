import type { SocketAddress } from "./message.ts";
import { socketAddress } from "./message.ts";

/** Which addresses a sidecar listens on. `dual` takes IPv4 and IPv6 on one socket and needs a kernel with IPv6. */
export type IpFamilies = "dual" | "ipv4";

/** Every address of the families, as a listener binds it. */
export function anyAddress(families: IpFamilies, port: number): SocketAddress {
  if (families === "ipv4") return socketAddress("0.0.0.0", port);
  return { socket_address: { address: "::", port_value: port, ipv4_compat: true } };
}

/**
 * The Pod's own address, which is known only when the container starts: `bootstrapArgument` prints it as a reference
 * to the environment variable INSTANCE_IP. The NUL keeps it apart from any text of a user's.
 */
export const podAddress = "\u0000INSTANCE_IP";
