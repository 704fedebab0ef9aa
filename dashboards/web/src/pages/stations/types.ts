// Stations and closures as they are on the wire. In: JSON. Out: types only, no code.
import type { Instant, LatLon } from "../../types";

export interface LatestValue {
  field: string;
  unit: string;
  value: number;
  ts: Instant;
  /** Whether it can be believed. */
  sound: boolean;
}

/** A grass station as it is now. */
export interface Station {
  device: string;
  township?: string | null;
  position?: LatLon | null;
  latest: LatestValue[];
  /** The thresholds that it is past, by their rules' names. */
  past: string[];
  fire_danger?: { index: number; class: number } | null;
  soil_moisture?: { relative_percent: number; drought_class: number } | null;
  green_up: { judged: boolean; greened_on: string | null; confidence: number | null };
}

export interface StationList {
  items: Station[];
  green_up: { judged: number; greened: number };
}

/** A value, or with a step the lowest, mean and highest. */
export type SeriesPoint = [ts_ms: number, value: number] | [ts_ms: number, low: number, mean: number, high: number];

export interface Series {
  field: string;
  unit: string;
  points: SeriesPoint[];
  /** Which values cannot be believed, or come after a gap, and why. */
  flags?: [ts_ms: number, words: string[]][] | null;
  flags_count?: number;
  /** Of each day: how many values came, and how many of them cannot be believed. */
  counts?: [ts_ms: number, came: number, flagged: number][];
}

export interface ClosureRule {
  name: string;
  kinds: string[];
  season: { from: string; to: string } | null;
  level: string;
  legal_basis: string;
}

/** Other days of a closure in one year. */
export interface ClosureDecision extends ClosureTerms {
  id: number;
  reason: string;
  proposed_by: string | null;
  approved_by: string | null;
  known_from: Instant;
}

export interface GreenUpEvidence {
  kind: "green_up";
  on: string;
  last: string;
  proposed_last: string;
  days: number;
  greened: number;
  judged: number;
  share_percent: number;
  share_percent_min: number;
  stations: {
    device: string;
    township?: string | null;
    judged: boolean;
    greened_on?: string | null;
    ndvi?: number | null;
    ndvi_limit?: number | null;
    soil_temperature_c?: number | null;
    grass_height_cm?: number | null;
    grass_cover_percent?: number | null;
    warm_days?: number | null;
  }[];
  stations_count: number;
  zones: { id: string; name: string; township?: string | null }[];
  zones_count: number;
  townships: { township?: string | null; zones: number; capacity_sheep_units: number; households: number; animals_known: number }[];
}

/** What a proposal would decide of a season. */
export interface ClosureTerms {
  rule: string;
  year: number;
  first: string;
  last: string;
  adds: boolean;
  townships: string[];
  zones: string[];
  legal_basis: string;
}

/** A change of the closures that waits for a second person. */
export interface Proposal {
  id: number;
  kind: string;
  state: string;
  report: string;
  reason: string;
  proposed_by: string;
  proposed_at: Instant;
  decided_by?: string | null;
  decided_at?: Instant | null;
  remark?: string | null;
  evidence?: GreenUpEvidence | null;
  /** What it would decide of a single season; nothing where it is another calendar. */
  closure: ClosureTerms | null;
}

export interface Closures {
  rules: ClosureRule[];
  decisions: ClosureDecision[];
  /** Those that are open. */
  proposals: Proposal[];
}
