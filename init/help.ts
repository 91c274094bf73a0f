/** Shown below the flags of `outrigger init --help`. */
export const examples = `
Examples:
  outrigger init -i '*' -b '*' -d 15090,15021,15020            capture everything
  outrigger init -i '*' -b '*' -x 10.0.0.0/8 --dry-run         print the rules, touch nothing
  outrigger init -i '*' -b '*' --outbound-chain ISTIO_OUTPUT   with Istio's name of the outbound chain

--dry-run prints what iptables-restore (and then, with IPv6, ip6tables-restore) would be given, or nft.

Exit codes: 0 done, 1 bad configuration or failed, 126 traffic is not captured, 255 bad flags.
`;
