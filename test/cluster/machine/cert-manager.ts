import { join } from "node:path";
import type { Layout } from "./layout.ts";
import type { Program } from "./programs.ts";

/** cert-manager's controllers and CA injector. Started by the spec that needs them, which links the executable first. */
export function certManager(place: Layout): Program {
  return {
    name: "cert-manager",
    executable: join(place.programs, "companions"),
    arguments: ["cert-manager", place.kubeconfig("admin")],
  };
}
