// Small pure geometry on the Mercator plane. In: metres, degrees, map coordinates. Out: map coordinates.
import type { Coordinate } from "ol/coordinate";
import { toLonLat } from "ol/proj";
import type { LatLon } from "../types";

export function placeOf(coordinate: Coordinate): LatLon {
  const [lon = 0, lat = 0] = toLonLat(coordinate);
  return { lat, lon };
}

/** Map units per metre on the ground: Mercator stretches with latitude. */
export function unitsPerMetre(lat_deg: number): number {
  return 1 / Math.cos((lat_deg * Math.PI) / 180);
}

const WEDGE_STEPS = 10;

/** A fan from `apex`, clockwise from north; the angle on the Mercator plane is the true one. */
export function wedge(apex: Coordinate, yaw_deg: number, hfov_deg: number, radius: number): Coordinate[] {
  const [x = 0, y = 0] = apex;
  const ring: Coordinate[] = [[x, y]];
  for (let index = 0; index <= WEDGE_STEPS; index += 1) {
    const bearing = ((yaw_deg - hfov_deg / 2 + (hfov_deg * index) / WEDGE_STEPS) * Math.PI) / 180;
    ring.push([x + radius * Math.sin(bearing), y + radius * Math.cos(bearing)]);
  }
  ring.push([x, y]);
  return ring;
}

/** Where the middle of the picture meets flat ground, metres; `null` at or above the horizon. */
export function groundRange(height_m: number, pitch_deg: number): number | null {
  if (pitch_deg >= -0.1 || height_m <= 0) return null;
  return height_m / Math.tan((-pitch_deg * Math.PI) / 180);
}

/**
 * Drops points that would fall into the same screen cell as an earlier one. What is dropped is hidden under what is
 * kept, so the picture is the same and a thousand collars cost as much as the screen has room for.
 */
export function thin<T>(items: Iterable<T>, at: (item: T) => Coordinate, cell: number): T[] {
  const taken = new Set<string>();
  const kept: T[] = [];
  for (const item of items) {
    const [x = 0, y = 0] = at(item);
    const key = `${Math.floor(x / cell)}:${Math.floor(y / cell)}`;
    if (taken.has(key)) continue;
    taken.add(key);
    kept.push(item);
  }
  return kept;
}

/** What stands for several: the first of them, in their order, and how many they are. */
export interface Together<T> {
  first: T;
  count: number;
}

/** Items in the same square of the plane as one; with no square each stands for itself. */
export function cluster<T>(items: readonly T[], at: (item: T) => Coordinate, cell: number): Together<T>[] {
  if (cell <= 0) return items.map((first) => ({ first, count: 1 }));
  const found = new Map<string, Together<T>>();
  for (const item of items) {
    const [x = 0, y = 0] = at(item);
    const key = `${Math.floor(x / cell)}:${Math.floor(y / cell)}`;
    const together = found.get(key);
    if (together === undefined) found.set(key, { first: item, count: 1 });
    else together.count += 1;
  }
  return [...found.values()];
}
