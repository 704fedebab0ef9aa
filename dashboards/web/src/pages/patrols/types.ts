// Patrols, duties, planned routes and watched land as they are on the wire. In: JSON. Out: types only, no code.
import type { CellRow, ClosureLevel, Instant } from "../../types";

export type LonLat = [lon: number, lat: number];

/** A flight or a round. */
export interface Patrol {
  id: string;
  device: string;
  kind: string;
  flight_id?: string | null;
  start: Instant;
  end: Instant;
  duration_s: number;
  distance_m: number;
  /** Land that was seen. */
  area_mu: number;
  /** Of each zone the part that was seen, 0 to 1; townships are zones too. */
  zones: { id: string; name: string; share: number }[];
  townships: { code: string; share: number }[];
}

/** How much of a planned route was covered, and from which kilometre to which it was not. */
export interface Flown {
  share: number;
  length_km: number;
  gaps_km: [from: number, to: number][];
}

export interface PatrolDetail extends Patrol {
  line: { coordinates: LonLat[] };
  cells: { rows: CellRow[] };
  routes: (Flown & { id: string; name: string })[];
}

/** How a duty to be out stands in one township, or in the banner where there is none. */
export interface Duty {
  duty: string;
  name: { zh: string; en: string };
  township?: string | null;
  every: string;
  times: number;
  done: number;
  last_done?: Instant | null;
  due: Instant;
  overdue: boolean;
  devices: string[];
}

export interface RouteProperties {
  id: string;
  name: string;
  township?: string | null;
  device?: string | null;
  width_m: number;
  duty?: string | null;
}

export interface RouteFeature {
  type: "Feature";
  id: string;
  properties: RouteProperties & { flown: Flown };
  geometry: { type: "LineString"; coordinates: LonLat[] };
}

/** A route to be planned, or changed where there is one of its id. */
export interface NewRoute {
  type: "Feature";
  properties: RouteProperties;
  geometry: { type: "LineString"; coordinates: LonLat[] };
}

/** How much of a closed zone was watched. */
export interface CoverageRow {
  zone: { id: string; name: string };
  kind: string;
  township?: string | null;
  closure: ClosureLevel;
  area_mu: number;
  watched: { hour: number; day: number; week: number };
  /** It is blind once less than `share_min` was watched within so many hours. */
  limit_h: number;
  share_min: number;
  watched_in_limit: number;
  blind_mu: number;
  last?: Instant | null;
  blind_since?: Instant | null;
}

export interface Coverage {
  t: Instant;
  total: { zones: number; blind_zones: number; area_mu: number; blind_mu: number; watched: { hour: number; day: number; week: number } };
  items: CoverageRow[];
}

/** What the map shows besides zones. */
export interface Shown {
  track: LonLat[];
  /** Land that one patrol saw; or when the land of a zone was last seen, as a veil. */
  cells: { zone: string | null; rows: CellRow[] };
  /** Of each closed zone the part that was watched within the week. */
  watched: ReadonlyMap<string, number>;
  routes: RouteFeature[];
  /** Which of the routes is looked at. */
  route: string | null;
  /** What the view is to be moved to: changes when something else was opened. */
  focus: string;
}

export const NOTHING_SHOWN: Shown = { track: [], cells: { zone: null, rows: [] }, watched: new Map(), routes: [], route: null, focus: "" };
