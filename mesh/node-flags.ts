/**
 * How Node.js is started for the webhook. A small young generation, and no compiler threads with memory of their own,
 * keep it below 100 MB under full load, at no cost in speed that could be measured. V8 takes them on the command line
 * only. docs/adr/0040-webhook-memory-and-speed.md has the figures.
 */
export const webhookNodeFlags: readonly string[] = ["--max-semi-space-size=4", "--no-concurrent-recompilation"];
