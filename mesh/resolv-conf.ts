import { type Address, parseAddress } from "./address.ts";

/** The name servers of a resolv.conf, in order (resolv.conf(5)); a zone after an address is left out. */
export function parseNameServers(text: string): Address[] {
  return text.split("\n").flatMap((line) => {
    const server = /^nameserver[ \t]+([^ \t#;%]+)/.exec(line)?.[1];
    return server === undefined ? [] : (parseAddress(server) ?? []);
  });
}
