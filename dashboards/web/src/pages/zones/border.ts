// What is said of a border while it is drawn. In: GeoJSON, a zone. Out: area, the fault if there is one, the zone as a file says it. Pure.
import { areaMu, ringsOf, selfCrossing, type Point } from "./land";
import type { Geometry, ZoneFacts } from "./types";

export interface BorderState {
  area_mu: number;
  corners: number;
  /** Where the border crosses itself. */
  crossing: Point | null;
}

export function borderState(border: Geometry): BorderState {
  const rings = ringsOf(border);
  const crossing = rings.map(selfCrossing).find((place) => place !== null) ?? null;
  return { area_mu: areaMu(border), corners: rings.reduce((sum, ring) => sum + ring.length - 1, 0), crossing };
}

/** Who enforces unless the zone names somebody: the same table as the platform's. */
function authorityByLaw(kind: string, land_class: string): string {
  if (kind === "reserve") return "reserve_station";
  if (kind === "forest-farm") return land_class === "grassland" ? "township" : "forestry_squadron";
  if (kind === "forest") return "forestry_bureau";
  if (["overlap", "checkpoint", "jurisdiction"].includes(kind)) return "township";
  return land_class === "forest" ? "forestry_bureau" : "township";
}

/**
 * A zone's attributes as an import reads them, so that only its border changes. The stated area is left out: it is the
 * old border's. Whom the law names is left out too, for it has to follow when the law does.
 */
export function attributesOf(zone: ZoneFacts): Record<string, string | number | null> {
  const { id, name, kind, township, land_class, authority, legal_basis, capacity } = zone;
  const named = authority != null && authority !== authorityByLaw(kind, land_class ?? "") ? authority : null;
  return { id, name, kind, township: township ?? null, land_class: land_class ?? null, enforcement_body: named, legal_basis: legal_basis ?? null, capacity: capacity ?? null };
}
