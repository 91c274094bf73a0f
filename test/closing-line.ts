import type { TestEvent } from "node:test/reporters";

type Outcome = "passed" | "failed" | "skipped";

/** What an event counts as; suites and files are not counted, only tests are. */
function outcomeOf(event: TestEvent): Outcome | undefined {
  if (event.type === "test:fail") return event.data.details.type === "suite" ? undefined : "failed";
  if (event.type !== "test:pass") return undefined;
  if (event.data.skip !== undefined || event.data.todo !== undefined) return "skipped";
  return event.data.details.type === "suite" ? undefined : "passed";
}

/** A node:test reporter that ends the run with `N passed, N failed, N skipped`, after the reasons for the skips. */
// biome-ignore lint/style/noDefaultExport: node:test loads a reporter by its default export
export default async function* closingLine(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const reasons = new Map<string, number>();
  for await (const event of events) {
    const outcome = outcomeOf(event);
    if (outcome === undefined) continue;
    counts[outcome] += 1;
    if (outcome !== "skipped" || event.type !== "test:pass") continue;
    const reason = String(event.data.skip ?? event.data.todo);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  for (const [reason, count] of reasons) yield `skipped ${count}: ${reason}\n`;
  yield `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
}
