import pino, { type Logger } from "pino";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * When a line is written. Each write wakes a thread, which takes longer than making a line: who has thousands in a second
 * writes them together, a tenth of a second late at most.
 */
export type LogWriting = "at-once" | "together";

const options = { "at-once": {}, together: { minLength: 4096, periodicFlush: 100 } } as const;

/** A logger that writes JSON lines to standard output, without making requests wait for it. */
export function createLog(level: LogLevel, writing: LogWriting): { log: Logger; flush: () => void } {
  const destination = pino.destination({ dest: 1, sync: false, ...options[writing] });
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return { log, flush: () => destination.flushSync() };
}

/** Logs what whoever starts the process waits for, such as the port it listens on, whatever the log's level is. */
export function announce(log: Logger, fields: Readonly<Record<string, unknown>>, message: string): void {
  log.child({}, { level: "info" }).info(fields, message);
}
