import { mkdir } from "node:fs/promises";
import { certManager } from "./cert-manager.ts";
import { serveControl } from "./control.ts";
import { apiServer, controllerManager, etcd, scheduler, writeControlPlaneConfiguration } from "./control-plane.ts";
import { apiPort, layout } from "./layout.ts";
import { setUpNetwork } from "./network.ts";
import { containerd, containerdSocket, dns, kubelet, kubeProxy, writeNodeConfiguration } from "./node.ts";
import { Programs } from "./programs.ts";
import { untilApiReady, untilNodeReady, untilSocket } from "./ready.ts";
import { relay } from "./relay.ts";

/**
 * Runs inside the machine's namespaces: everything of one Kubernetes node, in the order in which it can start. The
 * control socket opens last, so whoever can ask it has a cluster that is ready.
 */
async function main(state: string): Promise<void> {
  const place = layout(state);
  await setUpNetwork();
  await mkdir(place.configuration);
  await writeControlPlaneConfiguration(place);
  await writeNodeConfiguration(place);

  const programs = new Programs(place);
  for (const program of [etcd, containerd, apiServer]) programs.start(program(place));
  await untilSocket(containerdSocket);
  await untilApiReady(place);
  for (const program of [controllerManager, scheduler, kubelet, kubeProxy, dns]) programs.start(program(place));
  programs.know(certManager(place));
  await relay({ path: place.apiSocket }, { host: "127.0.0.1", port: apiPort });
  await untilNodeReady(place);
  await serveControl(programs, place.controlSocket);
}

await main(process.argv[2] ?? "");
