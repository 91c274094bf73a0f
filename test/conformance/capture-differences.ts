import assert from "node:assert/strict";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";

/**
 * Our text without the ways in which it differs from the reference's on purpose, each of which must be there
 * (docs/differences-from-istio-iptables.md).
 */
export function comparable(text: string, form: "iptables" | "nft", config: CaptureConfig): string {
  const tunnel = withoutTunnelBypass(text, form, config);
  return form === "nft" && !config.ipv6 ? inBothFamilies(tunnel) : tunnel;
}

/** TPROXY keeps the bypass of the tunnel port: the reference has that rule only in nat, where it is never reached. */
function withoutTunnelBypass(
  text: string,
  form: "iptables" | "nft",
  { mode, inbound, tunnelPort }: CaptureConfig,
): string {
  if (mode !== "TPROXY" || inbound.capture === "none" || text === "") return text;
  const line =
    form === "iptables"
      ? `-A ISTIO_INBOUND -p tcp --dport ${tunnelPort} -j RETURN\n`
      : ` istio-proxy-mangle istio-inbound meta l4proto tcp tcp dport ${tunnelPort} counter return\n`;
  // In the iptables text the table of mangle comes first, and nat has the same line.
  const start = text.indexOf(line);
  assert.ok(start !== -1, `the text has no line ${line}`);
  const lineStart = text.lastIndexOf("\n", start) + 1;
  return text.slice(0, lineStart) + text.slice(start + line.length);
}

/** Native nftables leaves IPv6 alone where it is not captured: its tables are of the family ip, the reference's of inet. */
function inBothFamilies(text: string): string {
  const lines = text.split("\n");
  const family = /^((?:add|flush|insert) (?:table|chain|rule)) ip /;
  assert.ok(
    lines.every((line) => line === "" || family.test(line)),
    "every line is about a table of the family ip",
  );
  return lines.map((line) => line.replace(family, "$1 inet ")).join("\n");
}
