// Lines on the ground. In: vertices in degrees, or as somebody wrote them. Out: lengths, parts, vertices. Pure.
import type { LonLat } from "./types";

const EARTH_M = 6_371_009;
const rad = (degrees: number): number => (degrees * Math.PI) / 180;

export function metresBetween([lon_a, lat_a]: LonLat, [lon_b, lat_b]: LonLat): number {
  const a = Math.sin(rad(lat_b - lat_a) / 2) ** 2 + Math.cos(rad(lat_a)) * Math.cos(rad(lat_b)) * Math.sin(rad(lon_b - lon_a) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(a)));
}

export function lengthOf(line: readonly LonLat[]): number {
  return legs(line).reduce((sum, leg) => sum + leg.metres, 0);
}

function legs(line: readonly LonLat[]): { from: LonLat; to: LonLat; metres: number }[] {
  return line.slice(1).flatMap((to, index) => {
    const from = line[index];
    return from === undefined ? [] : [{ from, to, metres: metresBetween(from, to) }];
  });
}

/** The part of a line from so many metres along it to so many. */
export function partOf(line: readonly LonLat[], from_m: number, to_m: number): LonLat[] {
  const part: LonLat[] = [];
  let passed = 0;
  for (const { from, to, metres } of legs(line)) {
    const begin = Math.max(0, from_m - passed);
    const end = Math.min(metres, to_m - passed);
    passed += metres;
    if (metres === 0 || begin >= end) continue;
    const at = (along: number): LonLat => [from[0] + ((to[0] - from[0]) * along) / metres, from[1] + ((to[1] - from[1]) * along) / metres];
    if (part.length === 0) part.push(at(begin));
    part.push(at(end));
  }
  return part;
}

/** Five places are about a metre. */
export const vertexText = (line: readonly LonLat[]): string => line.map(([lon, lat]) => `${lon.toFixed(5)}, ${lat.toFixed(5)}`).join("\n");

/** One vertex a line, longitude first; the number of the first line that is none. */
export function parseVertices(text: string): { line: LonLat[] } | { wrong: number } {
  const line: LonLat[] = [];
  for (const [index, row] of text.split("\n").entries()) {
    if (row.trim() === "") continue;
    const numbers = row.trim().split(/[\s,，;；]+/u).map(Number);
    const [lon, lat] = numbers;
    if (numbers.length !== 2 || lon === undefined || lat === undefined || !(Math.abs(lon) <= 180) || !(Math.abs(lat) <= 90)) return { wrong: index + 1 };
    line.push([lon, lat]);
  }
  return { line };
}

/** A name for programs that nobody has to think of. */
export function routeId(now_ms: number): string {
  return `route-${new Date(now_ms + 8 * 3_600_000).toISOString().replace(/\D/g, "").slice(0, 14)}`;
}
