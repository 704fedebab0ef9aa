// Many cases at once, as one row of the queue. In: cases in the operator's order. Out: rows: a case, or a storm with a count that opens.
// A storm: so many cases of one township within minutes. It stays one row until it is worked off, though fewer are left meanwhile. Pure.
import { parseTime } from "../../format";
import { isActive } from "../../merge";
import type { Incident } from "../../types";

/** From so many on they are one storm. */
export const STORM_CASES_MIN = 5;
export const STORM_WINDOW_MS = 600_000;
/** One case that is left of a storm is a case. */
const STORM_LEFT_MIN = 2;

export interface Storm {
  id: string;
  township: string;
  /** Those that are not resolved, in the operator's order. */
  incidents: Incident[];
  unacknowledged: number;
}

/** A row of the queue; `storm` of a case is the one that it stands in. */
export type QueueItem =
  | { kind: "incident"; id: string; incident: Incident; storm: string | null }
  | { kind: "storm"; id: string; storm: Storm; open: boolean };

interface Timed {
  incident: Incident;
  at_ms: number;
}

/** Runs of cases of which any neighbours of `STORM_CASES_MIN` lie within the window. */
function runsOf(cases: readonly Timed[]): Timed[][] {
  const runs: Timed[][] = [];
  let reached = -1;
  for (let last = STORM_CASES_MIN - 1; last < cases.length; last += 1) {
    const first = last - STORM_CASES_MIN + 1;
    const span_ms = (cases[last]?.at_ms ?? 0) - (cases[first]?.at_ms ?? 0);
    if (span_ms > STORM_WINDOW_MS) continue;
    if (first > reached || runs.length === 0) runs.push(cases.slice(first, last + 1));
    else runs.at(-1)?.push(...cases.slice(reached + 1, last + 1));
    reached = last;
  }
  return runs;
}

/** Which storm each unresolved case stands in, by the case's id. */
export function stormsOf(incidents: readonly Incident[]): Map<string, Storm> {
  const townships = new Map<string, Timed[]>();
  for (const incident of incidents) {
    const at_ms = parseTime(incident.first_seen);
    if (!incident.township || at_ms === null) continue;
    const cases = townships.get(incident.township) ?? [];
    cases.push({ incident, at_ms });
    townships.set(incident.township, cases);
  }
  const found = new Map<string, Storm>();
  for (const [township, cases] of townships) {
    if (cases.length < STORM_CASES_MIN) continue;
    const order = new Map(cases.map(({ incident }, index) => [incident.id, index]));
    const byTime = [...cases].sort((a, b) => a.at_ms - b.at_ms || a.incident.id.localeCompare(b.incident.id));
    for (const run of runsOf(byTime)) {
      const left = run.map(({ incident }) => incident).filter(isActive);
      if (left.length < STORM_LEFT_MIN) continue;
      left.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
      const unacknowledged = left.filter((incident) => incident.status === "open").length;
      const storm: Storm = { id: `storm:${township}:${run[0]?.at_ms ?? 0}`, township, incidents: left, unacknowledged };
      for (const incident of left) found.set(incident.id, storm);
    }
  }
  return found;
}

/** The rows, a storm where the most urgent of its cases would stand. */
export function queueItems(incidents: readonly Incident[], storms: ReadonlyMap<string, Storm>, opened: ReadonlySet<string>): QueueItem[] {
  const items: QueueItem[] = [];
  const shown = new Set<string>();
  const row = (incident: Incident, storm: string | null): QueueItem => ({ kind: "incident", id: incident.id, incident, storm });
  for (const incident of incidents) {
    const storm = storms.get(incident.id);
    if (storm === undefined) {
      items.push(row(incident, null));
      continue;
    }
    if (shown.has(storm.id)) continue;
    shown.add(storm.id);
    const open = opened.has(storm.id);
    items.push({ kind: "storm", id: storm.id, storm, open });
    if (open) items.push(...storm.incidents.map((one) => row(one, storm.id)));
  }
  return items;
}
