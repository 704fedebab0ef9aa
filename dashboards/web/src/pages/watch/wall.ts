// What the wall shows. In: cases. Out: the one that the map follows. Pure.
import { parseTime } from "../../format";
import { isActive } from "../../merge";
import type { Incident } from "../../types";

/** The newest urgent case that still goes on, else the newest that is not resolved. */
export function followed(incidents: readonly Incident[]): Incident | null {
  let best: { incident: Incident; urgent: boolean; at_ms: number } | null = null;
  for (const incident of incidents) {
    if (!isActive(incident)) continue;
    const urgent = incident.severity === "urgent" && !incident.ended_at;
    const at_ms = parseTime(incident.first_seen) ?? 0;
    if (best === null || (urgent === best.urgent ? at_ms > best.at_ms : urgent)) best = { incident, urgent, at_ms };
  }
  return best?.incident ?? null;
}
