// Drills among the incidents. In: what the store holds. Out: the drills, newest first; the one that a command made. Pure.
import { parseTime } from "../../format";
import type { Incident } from "../../types";

const begun = (incident: Incident): number => parseTime(incident.first_seen) ?? 0;

export function drillsOf(incidents: Iterable<Incident>): Incident[] {
  return [...incidents].filter((incident) => incident.drill === true).sort((a, b) => begun(b) - begun(a) || b.id.localeCompare(a.id));
}

/** A drill in this zone that was not there before; the interface answers a command without saying which case it makes. */
export function newDrill(incidents: Iterable<Incident>, zone: string, before: ReadonlySet<string>): Incident | null {
  return drillsOf(incidents).find((incident) => !before.has(incident.id) && incident.zones.some(({ id }) => id === zone)) ?? null;
}
