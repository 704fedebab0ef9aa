// What comes first, and what a number of the page means. In: rows of the interface. Out: orders and states. Pure.
import type { CoverageRow, Duty, RouteFeature } from "./types";

export type DutyState = "overdue" | "open" | "done";
const DUTY_ORDER: DutyState[] = ["overdue", "open", "done"];

export function dutyState(duty: Duty): DutyState {
  if (duty.overdue) return "overdue";
  return duty.done >= duty.times ? "done" : "open";
}

/** Overdue first, done last; then by what is due soonest. */
export function compareDuties(a: Duty, b: Duty): number {
  return (
    DUTY_ORDER.indexOf(dutyState(a)) - DUTY_ORDER.indexOf(dutyState(b)) ||
    Date.parse(String(a.due)) - Date.parse(String(b.due)) ||
    (a.township ?? "").localeCompare(b.township ?? "")
  );
}

/** Zones told as blind first, then those of which least was watched within their limit; of equals the larger blind land. */
export function compareCoverage(a: CoverageRow, b: CoverageRow): number {
  return Number(Boolean(b.blind_since)) - Number(Boolean(a.blind_since)) || a.watched_in_limit - b.watched_in_limit || b.blind_mu - a.blind_mu;
}

/** Below what is asked of it, though it may not have been told yet. */
export const isShort = (row: CoverageRow): boolean => row.watched_in_limit < row.share_min;

/** The least covered route first. */
export function compareRoutes(a: RouteFeature, b: RouteFeature): number {
  return a.properties.flown.share - b.properties.flown.share || a.properties.name.localeCompare(b.properties.name, "zh");
}

/** `97.3 %`, `0.2 %`; never 100 % for what is not all, nor 0 % for what is something. */
export function percent(share: number): string {
  if (share <= 0) return "0 %";
  if (share >= 1) return "100 %";
  const tenths = Math.min(999, Math.max(1, Math.round(share * 1_000)));
  return `${tenths % 10 === 0 || tenths > 100 ? Math.min(99, Math.round(tenths / 10)) : tenths / 10} %`;
}
