// Zones as land: areas, borders that cross themselves, what a file holds. In: GeoJSON in degrees. Out: numbers, rows. Pure.
import GeoJSON from "ol/format/GeoJSON";
import { getArea } from "ol/sphere";
import type { ZoneCollection, ZoneFeature } from "../../types";
import type { Change, FeatureReport, Geometry, ZoneFacts } from "./types";

export const SQUARE_METRES_PER_MU = 2_000 / 3;
const SQUARE_METRES_PER_HECTARE = 10_000;
/** What is read of a file for the map; the platform reads files a hundred times as large. */
const PREVIEW_BYTES_MAX = 20_000_000;

export type Point = readonly [x: number, y: number];

export const hectares = (mu: number): number => (mu * SQUARE_METRES_PER_MU) / SQUARE_METRES_PER_HECTARE;

/** On a sphere: within a third of a per cent of the surveyor's figure. */
export function areaMu(geometry: Geometry): number {
  const land = new GeoJSON().readGeometry(geometry);
  return land === null ? 0 : getArea(land, { projection: "EPSG:4326" }) / SQUARE_METRES_PER_MU;
}

const turn = (a: Point, b: Point, c: Point): number => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));

function cross(a: Point, b: Point, c: Point, d: Point): boolean {
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

function crossingPoint(a: Point, b: Point, c: Point, d: Point): Point {
  const [rx, ry, sx, sy] = [b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]];
  const along = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / (rx * sy - ry * sx);
  return [a[0] + along * rx, a[1] + along * ry];
}

/** Where a closed line first crosses itself; `null` where it does not. */
export function selfCrossing(ring: readonly Point[]): Point | null {
  const edges = ring.slice(1).map((end, index) => ({ start: ring[index] ?? end, end }));
  for (const [index, one] of edges.entries())
    for (const other of edges.slice(index + 2))
      if (cross(one.start, one.end, other.start, other.end)) return crossingPoint(one.start, one.end, other.start, other.end);
  return null;
}

function box(ring: readonly Point[]): [west: number, south: number, east: number, north: number] {
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function isInside([x, y]: Point, ring: readonly Point[]): boolean {
  let inside = false;
  for (const [index, [bx, by]] of ring.slice(1).entries()) {
    const [ax, ay] = ring[index] ?? [bx, by];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

function ringsOverlap(one: readonly Point[], other: readonly Point[]): boolean {
  const [west, south, east, north] = box(one);
  const [left, bottom, right, top] = box(other);
  if (west >= right || left >= east || south >= top || bottom >= north) return false;
  const others = other.slice(1).map((end, index) => ({ start: other[index] ?? end, end }));
  const crosses = one.slice(1).some((end, index) => others.some((edge) => cross(one[index] ?? end, end, edge.start, edge.end)));
  // Where no border crosses, one lies wholly in the other or beside it; a corner may lie on the other's border, so most decide.
  const mostly = (ring: readonly Point[], around: readonly Point[]): boolean => ring.filter((corner) => isInside(corner, around)).length * 2 > ring.length;
  return crosses || mostly(one, other) || mostly(other, one);
}

/** Whose land this one lies on; jurisdictions lie under all land. Goes by outlines: land in a hole counts too. */
export function overlapsOf(land: Geometry, rows: readonly ZoneRow[], own: string): ZoneRow[] {
  const outlines = outlinesOf(land);
  return rows.filter(
    ({ zone, geometry }) => zone.id !== own && zone.kind !== "jurisdiction" && outlinesOf(geometry).some((other) => outlines.some((one) => ringsOverlap(one, other))),
  );
}

function outlinesOf(geometry: Geometry): Point[][] {
  if (geometry.type === "Polygon") return (geometry.coordinates as Point[][]).slice(0, 1);
  return geometry.type === "MultiPolygon" ? (geometry.coordinates as Point[][][]).flatMap((polygon) => polygon.slice(0, 1)) : [];
}

/** All closed lines of a polygon or of several. */
export function ringsOf(geometry: Geometry): Point[][] {
  if (geometry.type === "Polygon") return geometry.coordinates as Point[][];
  return geometry.type === "MultiPolygon" ? (geometry.coordinates as Point[][][]).flat() : [];
}

/** A row of the list. */
export interface ZoneRow {
  zone: ZoneFacts;
  geometry: Geometry;
  area_mu: number;
  /** Stated by its document, not computed from the border. */
  stated: boolean;
}

/** In the order of the list. */
export const KINDS = ["no-grazing", "balance", "project", "overlap", "forest", "forest-farm", "reserve", "meadow", "checkpoint", "jurisdiction"];

export function rowsOf(zones: ZoneCollection): ZoneRow[] {
  const rows = zones.features.map(({ properties, geometry }: ZoneFeature): ZoneRow => {
    const zone: ZoneFacts = properties;
    const stated = zone.area_mu != null;
    return { zone, geometry, area_mu: zone.area_mu ?? areaMu(geometry), stated };
  });
  return rows.sort((a, b) => KINDS.indexOf(a.zone.kind) - KINDS.indexOf(b.zone.kind) || a.zone.id.localeCompare(b.zone.id, "en", { numeric: true }));
}

export interface ZoneFilter {
  text: string;
  kind: string;
  township: string;
  level: string;
}

export function matches({ zone }: ZoneRow, filter: ZoneFilter): boolean {
  const text = filter.text.trim().toLowerCase();
  return (
    (filter.kind === "" || zone.kind === filter.kind) &&
    (filter.township === "" || zone.township === filter.township) &&
    (filter.level === "" || (zone.closure?.level ?? "none") === filter.level) &&
    (text === "" || zone.name.toLowerCase().includes(text) || zone.id.toLowerCase().includes(text))
  );
}

export const kindsIn = (rows: readonly ZoneRow[]): string[] => KINDS.filter((kind) => rows.some((row) => row.zone.kind === kind));

/** The land of a GeoJSON file in its order, `null` where it is none; nothing where it is no GeoJSON in degrees. */
export function landOf(text: string): (Geometry | null)[] {
  let file: { features?: { geometry?: Geometry | null }[] };
  try {
    file = JSON.parse(text) as typeof file;
  } catch {
    return [];
  }
  if (!Array.isArray(file.features)) return [];
  const land = file.features.map(({ geometry }) => (geometry && ringsOf(geometry).length > 0 ? geometry : null));
  const inDegrees = land.every((one) => one === null || ringsOf(one).every((ring) => ring.every(([lon, lat]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90)));
  return inDegrees ? land : [];
}

/** What of the chosen files the map can show before they are published: one GeoJSON file. */
export async function previewOf(files: readonly File[]): Promise<(Geometry | null)[]> {
  const [file] = files;
  if (file === undefined || files.length !== 1 || !/\.(?:geo)?json$/i.test(file.name) || file.size > PREVIEW_BYTES_MAX) return [];
  return landOf(await file.text());
}

/** The report's features beside the land that is there now. */
export function changesOf(features: readonly FeatureReport[], land: readonly (Geometry | null)[], present: ReadonlyMap<string, ZoneRow>): Change[] {
  return features.flatMap(({ index, id, outcome }) => {
    const after = land[index] ?? null;
    if (outcome === "refused" || id === null || after === null) return [];
    const before = present.get(id);
    return [{ id, name: before?.zone.name ?? id, before: before?.geometry ?? null, after: outcome === "unchanged" ? (before?.geometry ?? after) : after }];
  });
}

/** One zone as a file that the platform reads. */
export function fileOf(properties: Record<string, string | number | null>, geometry: Geometry): File {
  const kept = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null && value !== ""));
  const collection = { type: "FeatureCollection", features: [{ type: "Feature", properties: kept, geometry }] };
  return new File([JSON.stringify(collection)], "zone.geojson", { type: "application/geo+json" });
}
