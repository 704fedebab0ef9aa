// What happened in a span. In: incidents with their history, notices. Out: what went on at an instant and as what, a list in the order of time. Pure.
import { parseTime } from "../../format";
import type { Incident, IncidentStatus, Notice } from "../../types";
import type { Period } from "./types";

export interface Happening {
  key: string;
  at_ms: number;
  what: { kind: "incident"; incident: Incident; event: string; by: string | null } | { kind: "notice"; notice: Notice; over: boolean };
}

const STATUS_AFTER: Record<string, IncidentStatus> = {
  opened: "open",
  reopened: "acknowledged",
  acknowledged: "acknowledged",
  dispatched: "dispatched",
  resolved: "resolved",
};

/** The incident as it was then; `null` where it had not begun or was over. */
export function incidentAt(incident: Incident, at_ms: number): Incident | null {
  const first = parseTime(incident.first_seen);
  const ended = parseTime(incident.ended_at);
  if (first === null || at_ms < first || (ended !== null && at_ms > ended)) return null;
  let status: IncidentStatus = "open";
  for (const item of incident.timeline ?? []) {
    const at = parseTime(item.at);
    if (at !== null && at <= at_ms) status = STATUS_AFTER[item.what] ?? status;
  }
  return status === "resolved" ? null : { ...incident, status, ended_at: null };
}

/** Growing happens every few seconds and is no news. */
const SILENT = new Set(["grew", "updated"]);

/** In the order of time, only what lies within the span. */
export function happeningsOf(incidents: readonly Incident[], notices: readonly Notice[], { from_ms, to_ms }: Period): Happening[] {
  const all: Happening[] = [];
  for (const incident of incidents)
    for (const [index, item] of (incident.timeline ?? []).entries()) {
      const at_ms = parseTime(item.at);
      if (at_ms === null || SILENT.has(item.what)) continue;
      all.push({ key: `${incident.id} ${index}`, at_ms, what: { kind: "incident", incident, event: item.what, by: item.by ?? null } });
    }
  for (const notice of notices)
    for (const over of [false, true]) {
      const at_ms = parseTime(over ? notice.until : notice.since);
      if (at_ms !== null) all.push({ key: `${notice.id} ${String(over)}`, at_ms, what: { kind: "notice", notice, over } });
    }
  return all.filter(({ at_ms }) => at_ms >= from_ms && at_ms <= to_ms).sort((a, b) => a.at_ms - b.at_ms || a.key.localeCompare(b.key));
}

/** How far along the span an instant lies, from 0 to 1. */
export function shareOf({ from_ms, to_ms }: Period, at_ms: number): number {
  return Math.min(1, Math.max(0, (at_ms - from_ms) / Math.max(1, to_ms - from_ms)));
}
