import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

/**
 * Writes the compiled form of a script beside it, `FILE.compiled`, with every function of it. V8 takes it only with the
 * flags that it was made with, which are none in the end; it orders names by their hashes, so with a fixed seed the same
 * script has the same bytes. usage: node --hash-seed=1 compile.ts FILE
 */
const [file = ""] = process.argv.slice(2);
setFlagsFromString("--no-lazy");
const script = new Script(readFileSync(file, "latin1"), { filename: basename(file) });
setFlagsFromString("--lazy");
setFlagsFromString("--hash-seed=0");
writeFileSync(`${file}.compiled`, script.createCachedData());
