import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";

/**
 * Starts a bundle from its compiled form, where V8 takes it: same Node.js, same V8 flags. Without it, or with another
 * one, V8 compiles the bundle as ever. Nothing is written, so a read-only file system is as good as any. Node.js's own
 * compile cache would not do: it keeps one folder per user and kind of CPU, and an image runs on machines unlike the one
 * that built it. docs/adr/0010-init-starts-from-compiled-code.md has the figures.
 *
 * This file is bundled as CommonJS, beside `init.js` and `init.js.compiled`.
 */
const filename = join(__dirname, "init.js");

function compiled(): Buffer | undefined {
  try {
    return readFileSync(`${filename}.compiled`);
  } catch {
    return undefined;
  }
}

const cachedData = compiled();
// The bundle is ASCII, and read as Latin-1 it needs no decoding.
const source = readFileSync(filename, "latin1");
const script = new Script(source, { filename, ...(cachedData !== undefined && { cachedData }) });
(script.runInThisContext() as (load: NodeJS.Require) => void)(require);
