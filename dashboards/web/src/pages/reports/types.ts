// What reports ask and answer, as it is on the wire. In: JSON. Out: types only, no code.
import type { Health, IncidentStatus, Instant, Interval, Matter, Outcome, Severity } from "../../types";

/** An incident as a line of a report. */
export interface ReportedIncident {
  id: string;
  severity: Severity;
  status: IncidentStatus;
  zone: string;
  township: string | null;
  first_seen: Instant;
  last_seen: Instant;
  ended_at: Instant | null;
  /** In Chinese, the text of record. */
  species: string;
  sheep_units: Interval | null;
  fine_yuan: Interval | null;
  outcome: Outcome | null;
}

export interface ShiftNote {
  at: Instant;
  by: string;
  text: string;
}

/** What one shift hands over to the next. */
export interface ShiftReport {
  from: Instant;
  to: Instant;
  made_at: Instant;
  made_by: string;
  incidents: Record<IncidentStatus, ReportedIncident[]>;
  devices: { id: string; kind: string; health: Health; township: string | null; last_seen: Instant | null; reasons: { zh: string; en: string }[] }[];
  notices: { id: string; matter: Matter; text: { zh: string; en: string }; since: Instant; until: Instant | null }[];
  blind: { zone: { id: string; name: string }; blind_mu: number; blind_since: Instant | null }[];
  half_reported: ReportedIncident[];
  /** Not told to who sees some townships only. */
  deliveries: { pending: number; dead: number } | null;
  notes: ShiftNote[];
}

/** What became of the cases of a township. */
export interface SeasonRow {
  /** None: of no township; absent in the total. */
  township?: string | null;
  name?: string;
  incidents: number;
  open: number;
  violation: number;
  lawful: number;
  false_positive: number;
  unfounded: number;
  late: number;
  sheep_units: Interval | null;
  fine_yuan: Interval | null;
  acknowledged_median_s: number | null;
  resolved_median_s: number | null;
}

export interface SeasonReport {
  from: Instant;
  to: Instant;
  made_at: Instant;
  made_by: string;
  rows: SeasonRow[];
  total: SeasonRow;
}
