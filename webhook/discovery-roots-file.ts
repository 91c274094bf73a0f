import { OutriggerError } from "../mesh/errors.ts";
import type { ConfigurationTexts } from "./config/configuration.ts";
import { discoveryRootsFile, type InjectionFlags, readDiscoveryRoots } from "./injection-flags.ts";
import { watchFiles } from "./watch-files.ts";

type Roots = Pick<ConfigurationTexts, "discoveryRoots">;

/** The control plane's roots in a file, beside a configuration that stands elsewhere. */
export interface DiscoveryRootsFile {
  /** What was last read. */
  readonly texts: () => Roots;
  /** Tells when it has changed. The function returned ends it. */
  readonly follow: (changed: () => void) => () => void;
}

/**
 * Reads the file that the flags name, if they name one.
 * @param refused is told when it cannot be read later; what was read before stays
 * @throws OutriggerError BAD_FLAG when it cannot be read at first
 */
export async function openDiscoveryRoots(
  flags: InjectionFlags,
  refused: (error: OutriggerError) => void,
): Promise<DiscoveryRootsFile> {
  const file = discoveryRootsFile(flags);
  let texts = await readDiscoveryRoots(flags);
  return {
    texts: () => texts,
    follow(changed) {
      if (file === undefined) return () => undefined;
      let lastRefusal = "";
      return watchFiles([file], async () => {
        try {
          const found = await readDiscoveryRoots(flags);
          lastRefusal = "";
          if (found.discoveryRoots?.text === texts.discoveryRoots?.text) return;
          texts = found;
          changed();
        } catch (error) {
          if (!(error instanceof OutriggerError)) throw error;
          if (error.message !== lastRefusal) refused(error);
          lastRefusal = error.message;
        }
      });
    },
  };
}
