import assert from "node:assert/strict";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";

/** Where our text is not the reference's, on purpose (docs/differences-from-istio-iptables.md): lines of ours alone. */
interface Difference {
  readonly applies: (config: CaptureConfig) => boolean;
  readonly iptables: (config: CaptureConfig) => RegExp | undefined;
  readonly nft: (config: CaptureConfig) => RegExp | undefined;
}

const differences: Readonly<Record<string, Difference>> = {
  "TPROXY keeps the bypass of the tunnel port": {
    applies: ({ mode, inbound }) => mode === "TPROXY" && inbound.capture !== "none",
    iptables: ({ tunnelPort }) => new RegExp(`^-A ISTIO_INBOUND -p tcp --dport ${tunnelPort} -j RETURN$`),
    nft: ({ tunnelPort }) =>
      new RegExp(
        `^add rule inet istio-proxy-mangle istio-inbound meta l4proto tcp tcp dport ${tunnelPort} counter return$`,
      ),
  },
  "native nftables lets IPv6 go where it is not captured": {
    applies: ({ ipv6 }) => !ipv6,
    iptables: () => undefined,
    nft: () => /^insert rule inet istio-proxy-\w+ (prerouting|output) index 0 meta nfproto ipv6 counter return$/,
  },
};

/** Takes the lines that match out of the text; with `section`, only from the part of that table. */
function without(text: string, line: RegExp, section?: string): string {
  let inside = section === undefined;
  let taken = 0;
  const kept = text.split("\n").filter((each) => {
    if (section !== undefined && each.startsWith("* ")) inside = each === section;
    if (!inside || !line.test(each)) return true;
    taken += 1;
    return false;
  });
  assert.ok(taken > 0, `the text has no line ${line}`);
  return kept.join("\n");
}

/** Our text without the lines by which it differs on purpose, each of which must be there. */
export function comparable(text: string, form: "iptables" | "nft", config: CaptureConfig): string {
  return Object.values(differences).reduce((rest, difference) => {
    const line = difference.applies(config) ? difference[form](config) : undefined;
    return line === undefined || rest === "" ? rest : without(rest, line, form === "iptables" ? "* mangle" : undefined);
  }, text);
}
