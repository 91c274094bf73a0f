import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "./compile.ts";
import { printNftables } from "./nftables.ts";
import { resolveCapture } from "./resolve.ts";

function tproxyChain(outboundChain: string): string[] {
  const texts = { mode: "TPROXY", inboundPorts: "*", proxyUids: "1337", outboundChain };
  const given = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { text, field: name }]));
  const { config } = resolveCapture(given, { addresses: [{ family: "IPv4", value: 1n }], nameServers: [] });
  return printNftables(compile(config))
    .split("\n")
    .filter((line) => line.startsWith("add rule ip istio-proxy-mangle istio-tproxy "));
}

test("TPROXY drops what it should get while the proxy does not listen, unless the rules are to be Istio's", () => {
  const place = "add rule ip istio-proxy-mangle istio-tproxy meta l4proto tcp ip daddr != 127.0.0.1/32";
  const tproxy = `${place} tproxy ip to :15006 meta mark set 1337 counter accept`;
  assert.deepEqual(tproxyChain("ISTIO_OUTBOUND"), [tproxy, `${place} counter drop`]);
  assert.deepEqual(tproxyChain("ISTIO_OUTPUT"), [tproxy]);
});
