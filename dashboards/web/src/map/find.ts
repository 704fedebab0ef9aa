// What a search on the map means. In: typed text, what has a name and a place. Out: a place, or things in order. Pure.
import type { LatLon } from "../types";

export interface Findable {
  kind: "zone" | "device" | "incident" | "household";
  id: string;
  name: string;
  /** Also looked for in these words. */
  words: string;
  place: LatLon;
}

/** `43.3 117.5`, also with commas, degree signs and letters; longitude first where it cannot be a latitude. */
export function placeIn(text: string): LatLon | null {
  const plain = text.trim().replace(/[°NnEe北纬东经]/g, " ").trim();
  const found = /^(-?\d+(?:\.\d+)?)[\s,，;；]+(-?\d+(?:\.\d+)?)$/u.exec(plain);
  if (found === null) return null;
  const [first, second] = [Number(found[1]), Number(found[2])];
  const [lat, lon] = Math.abs(first) > 90 ? [second, first] : [first, second];
  return Math.abs(lat) <= 85 && Math.abs(lon) <= 180 ? { lat, lon } : null;
}

/** Those whose name begins with the text first, then those that hold it. */
export function find(things: Iterable<Findable>, text: string, most: number): Findable[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const begin: Findable[] = [];
  const hold: Findable[] = [];
  for (const thing of things) {
    const [id, name] = [thing.id.toLowerCase(), thing.name.toLowerCase()];
    if (id.startsWith(wanted) || name.startsWith(wanted)) begin.push(thing);
    else if (name.includes(wanted) || id.includes(wanted) || thing.words.toLowerCase().includes(wanted)) hold.push(thing);
    if (begin.length >= most) break;
  }
  return [...begin, ...hold].slice(0, most);
}

/** The middle of the box around a GeoJSON geometry. */
export function middleOf(coordinates: unknown): LatLon | null {
  const box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  function take(part: unknown): void {
    if (!Array.isArray(part)) return;
    const [lon, lat] = part as unknown[];
    if (typeof lon === "number" && typeof lat === "number") {
      box.west = Math.min(box.west, lon);
      box.east = Math.max(box.east, lon);
      box.south = Math.min(box.south, lat);
      box.north = Math.max(box.north, lat);
    } else part.forEach(take);
  }
  take(coordinates);
  return Number.isFinite(box.west) ? { lat: (box.south + box.north) / 2, lon: (box.west + box.east) / 2 } : null;
}
