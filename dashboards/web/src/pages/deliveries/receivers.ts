// The order of receivers, and the try that somebody just sent to one. In: subscribers, deliveries. Out: a comparison, a delivery. Pure.
import { parseTime } from "../../format";
import type { DeliveryRow, Subscriber } from "./types";

/** Those that fail first, those that are off last: what needs somebody is on top. */
function rank(one: Subscriber): number {
  if (one.off) return 3;
  return one.health?.state === "failing" ? 0 : (one.health?.dead ?? 0) > 0 ? 1 : 2;
}

export function compareReceivers(a: Subscriber, b: Subscriber): number {
  return rank(a) - rank(b) || a.name.localeCompare(b.name, "zh") || a.id.localeCompare(b.id);
}

/** The newest test message to this receiver that was not there before. */
export function newTest(deliveries: Iterable<DeliveryRow>, subscriber: string, before: ReadonlySet<string>): DeliveryRow | null {
  let newest: DeliveryRow | null = null;
  for (const row of deliveries) {
    if (row.subscriber !== subscriber || before.has(row.id) || !(row.type ?? "").endsWith("test")) continue;
    if (newest === null || (parseTime(row.at) ?? 0) > (parseTime(newest.at) ?? 0)) newest = row;
  }
  return newest;
}
