import { OutriggerError } from "../mesh/errors.ts";
import {
  configurationFiles,
  type InjectionFlags,
  readConfigurationFiles,
  settingsFromTexts,
} from "./injection-flags.ts";
import type { InjectionSettings } from "./settings.ts";
import { watchFiles } from "./watch-files.ts";

export interface ConfigurationListener {
  readonly loaded: (settings: InjectionSettings) => void;
  /** What was found is not valid. Told once for each content; the last good settings stay. */
  readonly refused: (error: OutriggerError) => void;
}

/**
 * Loads the configuration that the flags name, and again whenever its files change. The function returned ends it.
 * @throws OutriggerError when the first one cannot be read or is not valid
 */
export async function followConfigurationFiles(
  flags: InjectionFlags,
  { loaded, refused }: ConfigurationListener,
): Promise<() => void> {
  const files = configurationFiles(flags).filter((file) => file !== "-");
  let texts = await readConfigurationFiles(flags);
  loaded(settingsFromTexts(flags, texts));
  // Standard input cannot be read again.
  if (files.length < configurationFiles(flags).length || files.length === 0) return () => undefined;
  return watchFiles(files, async () => {
    try {
      const found = await readConfigurationFiles(flags);
      if (JSON.stringify(found) === JSON.stringify(texts)) return;
      texts = found;
      loaded(settingsFromTexts(flags, found));
    } catch (error) {
      if (!(error instanceof OutriggerError)) throw error;
      refused(error);
    }
  });
}
