// How news meets what is already held. In: lists from HTTP, single items from the live stream. Out: new maps and lists.
// Pure; the reactive store in `store.ts` only keeps the results.
import { parseTime } from "./format";
import type { Herd, Incident, IncidentStatus, LatLon, Position, Severity } from "./types";

/** Older deliveries and incidents fall off: the table is a window, not the archive. */
export const KEPT_ITEMS_MAX = 10_000;
/** Positions of a drone kept for its track: two minutes at 1 Hz. */
export const TRAIL_LENGTH_MAX = 120;

export interface Identified {
  id: string;
}

/**
 * Takes a list that was asked for at one moment and came later. An item that the live stream changed in between
 * (`touched`) is newer than the list and stays.
 */
export function replaceAll<T extends Identified>(
  held: ReadonlyMap<string, T>,
  list: readonly T[],
  touched: ReadonlySet<string>,
): Map<string, T> {
  const next = new Map<string, T>();
  for (const item of list) next.set(item.id, item);
  for (const id of touched) {
    const item = held.get(id);
    if (item !== undefined) next.set(id, item);
  }
  return next;
}

/** One item added or replaced; when there are too many, the oldest that nobody needs any more goes. */
export function upsert<T extends Identified>(
  held: ReadonlyMap<string, T>,
  item: T,
  isExpendable: (item: T) => boolean,
): Map<string, T> {
  const next = new Map(held);
  next.set(item.id, item);
  if (next.size <= KEPT_ITEMS_MAX) return next;
  for (const [id, candidate] of next) {
    if (!isExpendable(candidate) || id === item.id) continue;
    next.delete(id);
    break;
  }
  return next;
}

const STATUS_ORDER: Record<IncidentStatus, number> = { open: 0, acknowledged: 1, dispatched: 2, resolved: 3 };
const SEVERITY_ORDER: Record<Severity, number> = { urgent: 0, warning: 1, notice: 2 };

/** Thousands are sorted anew with each that comes: each time is read once. */
const firstSeen = new WeakMap<Incident, number>();
function firstSeen_ms(incident: Incident): number {
  let ms = firstSeen.get(incident);
  if (ms === undefined) {
    ms = parseTime(incident.first_seen) ?? 0;
    firstSeen.set(incident, ms);
  }
  return ms;
}

/** The operator's order: urgent before the rest, untouched before taken, newest first, what is resolved last; ids settle ties so rows never dance. */
export function compareIncidents(a: Incident, b: Incident): number {
  return (
    Number(a.status === "resolved") - Number(b.status === "resolved") ||
    SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity] ||
    STATUS_ORDER[a.status] - STATUS_ORDER[b.status] ||
    firstSeen_ms(b) - firstSeen_ms(a) ||
    a.id.localeCompare(b.id)
  );
}

export function isActive(incident: Incident): boolean {
  return incident.status !== "resolved";
}

/** Whether this news deserves a sound: it became urgent now, nobody has it, and it is not data that came hours late. */
export function isNewlyUrgent(before: Incident | undefined, after: Incident): boolean {
  if (after.severity !== "urgent" || after.status !== "open" || after.late === true) return false;
  return before?.severity !== "urgent";
}

/** Latest wins per object, by the time of the fix: a late frame must not pull a marker back. */
export function mergePositions(held: Map<string, Position>, items: readonly Position[]): Position[] {
  const taken: Position[] = [];
  for (const item of items) {
    const before = held.get(item.id);
    if (before !== undefined && before.ts > item.ts) continue;
    held.set(item.id, item);
    taken.push(item);
  }
  return taken;
}

/** Adds a point to a track, skipping repeats of the same spot. */
export function extendTrail(trail: LatLon[], point: LatLon): void {
  const last = trail.at(-1);
  if (last !== undefined && last.lat === point.lat && last.lon === point.lon) return;
  trail.push({ lat: point.lat, lon: point.lon });
  if (trail.length > TRAIL_LENGTH_MAX) trail.shift();
}

/** Herds that the full list no longer names are gone. */
export function herdsById(herds: readonly Herd[]): Map<string, Herd> {
  return new Map(herds.map((herd) => [herd.id, herd]));
}
