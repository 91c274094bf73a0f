/**
 * The addresses of a network namespace as the kernel's own tables list them, those of links without a carrier too:
 * getifaddrs as Node.js uses it leaves out every link that is not running, which a new one may not be yet.
 * Loopback and link-local addresses are among them.
 */

const words = /.{4}/g;

/** The addresses in /proc/net/if_inet6, as its lines order them; see proc_pid_net(5). */
export function inet6Addresses(table: string): string[] {
  return [...table.matchAll(/^([0-9a-f]{32}) /gm)].map(([, digits = ""]) => (digits.match(words) ?? []).join(":"));
}

/** The addresses that /proc/net/fib_trie says are local to this namespace. It lists them once for each table. */
export function inet4Addresses(trie: string): string[] {
  const local = [...trie.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL$/gm)].map(([, address = ""]) => address);
  return [...new Set(local)];
}
