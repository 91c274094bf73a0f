import type { ResolvedCapture } from "../../mesh/redirect/resolve.ts";
import type { Operation } from "../operation.ts";

export async function runValidation(_capture: ResolvedCapture, _operation: Operation): Promise<void> {}
