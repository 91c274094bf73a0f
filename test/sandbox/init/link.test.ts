import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import { needsRoot } from "./pod.ts";

const outrigger = join(import.meta.dirname, "../../../cli/main.ts");

/** In a network namespace that goes with the shell, whose one link is up while its other end is not. */
function initBesides(address: string) {
  const script = `
    ip link add eth0 type veth peer name peer0
    ip addr add ${address} dev eth0 nodad
    ip link set eth0 up
    exec "$0" "$1" init -i '*' -b '*' --dry-run --output json`;
  return spawnSync("unshare", ["--net", "sh", "-euc", script, process.execPath, outrigger], { encoding: "utf8" });
}

suite("an address whose link is not running yet", { skip: needsRoot }, () => {
  for (const { address, ipv6 } of [
    { address: "10.1.0.2/24", ipv6: false },
    { address: "fd00::2/64", ipv6: true },
  ])
    test(`${address} counts`, () => {
      const { status, stdout, stderr } = initBesides(address);
      assert.equal(status, 0, stderr);
      const { config } = JSON.parse(stdout) as { config: { ipv6: boolean } };
      assert.equal(config.ipv6, ipv6);
    });
});
