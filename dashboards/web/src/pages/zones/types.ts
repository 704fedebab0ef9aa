// What only this page hears of zones, as it is on the wire. In: JSON. Out: types only, no code.
import type { Closure, Instant, ZoneFeature, ZoneProperties } from "../../types";

export type Geometry = ZoneFeature["geometry"];

/** A zone with all that `GET /zones` says of it. */
export interface ZoneFacts extends ZoneProperties {
  authority?: string | null;
  /** The document that made it a zone. */
  legal_basis?: string | null;
  /** As its document states it. */
  area_mu?: number | null;
  in_force_from?: Instant | null;
  in_force_to?: Instant | null;
  known_from?: Instant | null;
}

/** One version of a zone; what it decides is worked out of all of them. */
export interface ZoneVersion extends ZoneFacts {
  version: number;
  known_to?: Instant | null;
  decides: { from: Instant; to: Instant | null }[];
  repealed: boolean;
  reason: string;
  published_by: string;
}

export interface FeatureReport {
  index: number;
  id: string | null;
  outcome: "published" | "unchanged" | "refused";
  version: number | null;
  reason: string | null;
  notes: string[];
  difference: { gained_mu: number; lost_mu: number } | null;
}

/** What became, or would become, of each feature of a file. */
export interface ImportReport {
  dry_run: boolean;
  published: number;
  features: FeatureReport[];
  crs?: string | null;
  encoding?: string | null;
  notes?: string[];
  incidents?: { entries: number; alike: number; gained: unknown[]; lost: unknown[]; changed: unknown[] };
  proposal?: Proposal;
}

export interface Proposal {
  id: number;
  kind: "zones" | "repeal" | "closure" | "rules";
  state: "open" | "approved" | "declined";
  /** What it does, in the server's words. */
  report: string;
  reason: string;
  proposed_by: string;
  proposed_at: Instant;
  decided_by: string | null;
  decided_at: Instant | null;
  remark: string | null;
}

export interface ClosureRule {
  name: string;
  kinds: string[];
  townships: string[];
  zones: string[];
  land_classes: string[];
  /** `MM-DD`, both included; all year if absent. */
  season: { from: string; to: string } | null;
  effective_from: string | null;
  effective_to: string | null;
  level: "warn" | "enforce";
  legal_basis: string;
}

/** Other days for a rule's season in one year, or more days. */
export interface ClosureDecision {
  id: number;
  rule: string;
  year: number;
  first: string;
  last: string;
  adds: boolean;
  townships: string[];
  zones: string[];
  legal_basis: string;
}

export interface Calendar {
  rules: ClosureRule[];
  decisions: ClosureDecision[];
}

/** A zone that holds a place, with what holds in it then. */
export interface ZoneAt extends ZoneFacts {
  closure: Closure;
}

export interface PlaceAnswer {
  t: Instant;
  known: Instant;
  zones: ZoneAt[];
}

/** How a zone's land changes; one side is missing where it comes or goes. */
export interface Change {
  id: string;
  name: string;
  before: Geometry | null;
  after: Geometry | null;
}
