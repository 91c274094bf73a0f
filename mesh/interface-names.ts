import { type Reading, readList } from "./reading.ts";

/**
 * Names that Linux allows for an interface (dev_valid_name in net/core/dev.c) and that tools read without surprises: at
 * most 15 bytes, no slash, space, colon or quote, and no dash in front, which would make it look like a flag. A `+` at the
 * end stands, as in iptables, for every interface whose name starts so.
 */
const interfaceName = /^(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9_.@-]{0,14}$/;

export function isInterfaceName(text: string): boolean {
  const name = text.endsWith("+") ? text.slice(0, -1) : text;
  return text.length <= 15 && interfaceName.test(name);
}

const interfaces = { noun: "interface names", example: "eth1,net0" };

/** Reads a comma list of interface names. */
export function readInterfaces(text: string): Reading<string[]> {
  return readList(text, (item) => (isInterfaceName(item) ? item : undefined), interfaces);
}
