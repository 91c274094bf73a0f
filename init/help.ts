const exitCodes = `
Exit codes: 0 done; 1 bad configuration, or the rules could not be written; 126 the live state or the traffic is not what
it should be; 255 bad flags.
`;

/** Shown below the flags of `outrigger init --help`. */
export const examples = `
Examples:
  outrigger init -i '*' -b '*' -d 15090,15021,15020            capture everything
  outrigger init -i '*' -b '*' -x 10.0.0.0/8 --dry-run         print the rules, touch nothing
  outrigger init -i '*' -b '*' --dry-run --explain             say why each rule is there
  outrigger init --from-pod pod.yaml --dry-run                 what a Pod's annotations make of it
  outrigger init -i '*' -b '*' --native-nftables               in tables of its own, without iptables
  outrigger init -i '*' -b '*' --outbound-chain ISTIO_OUTPUT   with Istio's name of the outbound chain
  outrigger init --cleanup-only                                take everything of the mesh out again
  outrigger init verify -i '*' -b '*' -d 15090,15021,15020     is the live state what these flags make?

Running it again changes nothing; with other flags, the rules are exchanged without a gap. --dry-run prints what
iptables-restore (and then, with IPv6, ip6tables-restore) would be given in a fresh namespace, or nft.
A flag beats its environment variable.
${exitCodes}`;

/** Shown below the flags of `outrigger init verify --help`. */
export const verifyExamples = `
Examples:
  outrigger init verify -i '*' -b '*' -d 15090,15021,15020
  outrigger init verify --from-pod pod.yaml --network-namespace /run/netns/pod --output json
${exitCodes}`;
