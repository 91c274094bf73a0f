/**
 * Work that is asked for often and must not run twice at once: asked while it runs, it runs once more afterwards, since
 * what it looked at may be old by then. Errors are told, and end nothing.
 */
export function singleFlight(work: () => Promise<void>, failed: (error: unknown) => void) {
  let running: Promise<void> | undefined;
  let again = false;
  async function run(): Promise<void> {
    do {
      again = false;
      await work().catch(failed);
    } while (again);
    running = undefined;
  }
  return {
    ask(): void {
      again = true;
      running ??= run();
    },
    /** Ends when nothing runs any more. */
    settled: async (): Promise<void> => running,
  };
}
