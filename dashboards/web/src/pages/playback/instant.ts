// Where a mover was at an instant, and which way it came. In: its points in the order of time. Out: a place, how old it is, whether to trust it.
// Pure. Between two points it moves in a straight line only where they are close in time: nobody knows what it did in a longer gap.
import type { LatLon } from "../../types";
import type { TrackPoint } from "./types";

/** Points that are closer than this, or than three steps, belong together. */
export const GAP_MS = 300_000;
const GAP_STEPS = 3;
/** A place that is older says nothing about the instant. */
export const HIDDEN_AFTER_MS = 3_600_000;
/** Length of the trail behind a mover. */
export const TRAIL_MS = 600_000;

export interface MoverAt extends LatLon {
  /** When it was at this place: the instant itself where it is between two points. */
  ts: number;
  stale: boolean;
  heading_deg: number | null;
}

/** How many points are not later than the instant. */
export function countUntil(points: readonly TrackPoint[], at_ms: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const point = points[middle];
    if (point !== undefined && point[0] <= at_ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const gapMax = (step_s: number): number => Math.max(GAP_MS, GAP_STEPS * step_s * 1_000);

/** Degrees clockwise from north; `null` for somebody who stands still. */
export function headingOf(from: TrackPoint, to: TrackPoint): number | null {
  const north = to[1] - from[1];
  const east = (to[2] - from[2]) * Math.cos((from[1] * Math.PI) / 180);
  if (north === 0 && east === 0) return null;
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}

/** `null` before its first point, and long after one that no other follows. */
export function moverAt(points: readonly TrackPoint[], at_ms: number, step_s: number): MoverAt | null {
  const passed = countUntil(points, at_ms);
  const last = points[passed - 1];
  if (last === undefined) return null;
  const next = points[passed];
  const gap_ms = gapMax(step_s);
  if (next !== undefined && next[0] - last[0] < gap_ms) {
    const part = (at_ms - last[0]) / (next[0] - last[0]);
    const lat = last[1] + (next[1] - last[1]) * part;
    const lon = last[2] + (next[2] - last[2]) * part;
    return { lat, lon, ts: at_ms, stale: false, heading_deg: headingOf(last, next) };
  }
  const age_ms = at_ms - last[0];
  if (age_ms > HIDDEN_AFTER_MS) return null;
  const before = points[passed - 2];
  const heading_deg = before === undefined ? null : headingOf(before, last);
  return { lat: last[1], lon: last[2], ts: last[0], stale: next !== undefined || age_ms >= gap_ms, heading_deg };
}

/** The way of the last ten minutes, up to where it is; it begins anew after a gap. */
export function trailAt(points: readonly TrackPoint[], at_ms: number, step_s: number): LatLon[] {
  const end = countUntil(points, at_ms);
  const gap_ms = gapMax(step_s);
  const trail: LatLon[] = [];
  for (let index = end - 1; index >= 0; index -= 1) {
    const point = points[index];
    const later = points[index + 1];
    if (point === undefined || point[0] < at_ms - TRAIL_MS) break;
    if (index < end - 1 && later !== undefined && later[0] - point[0] >= gap_ms) break;
    trail.unshift({ lat: point[1], lon: point[2] });
  }
  const here = moverAt(points, at_ms, step_s);
  if (here !== null && !here.stale && trail.length > 0) trail.push({ lat: here.lat, lon: here.lon });
  return trail;
}
