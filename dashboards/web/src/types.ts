// The nouns of the HTTP and live interfaces, as they are on the wire. In: JSON. Out: types only, no code.
import type { Ellipse } from "./map/ellipse";
/** RFC 3339, or Unix milliseconds where the live stream says so. */
export type Instant = string | number;
export type Severity = "urgent" | "warning" | "notice";
export type IncidentStatus = "open" | "acknowledged" | "dispatched" | "resolved";
export type Outcome = "violation" | "lawful" | "false_positive" | "unfounded";
export type Health = "never_seen" | "online" | "late" | "silent" | "faulty" | "disabled" | "maintenance";
export type DeviceKind = "camera" | "drone" | "station" | "collar" | "gateway" | "ranger";
/** Which part of the queue is listed. */
export type QueueFilter = "active" | "all" | "resolved";
export type ClosureLevel = "none" | "warn" | "enforce";

export interface LatLon {
  lat: number;
  lon: number;
}

/** Both ends included: a count or sum that is not known exactly; without an upper end it is "at least". */
export interface Interval {
  low: number;
  high: number | null;
}

export interface User {
  username: string;
  roles?: string[];
  townships?: string[];
  disabled?: boolean;
  second_factor?: boolean;
}

export interface Session {
  user: User;
  csrf: string;
}

export interface Closure {
  level: ClosureLevel;
  rule?: string | null;
  legal_basis?: string | null;
  until?: string | null;
}

export interface ZoneProperties {
  id: string;
  name: string;
  kind: string;
  township?: string | null;
  land_class?: string | null;
  /** Sheep units that it carries, as its document states it. */
  capacity?: number | null;
  version?: number;
  closure?: Closure | null;
}

/** What stands in a balance zone against what it carries. */
export interface ZoneLoad {
  zone: { id: string; name: string; version?: number };
  capacity_sheep_units: number;
  sheep_units: Interval;
  herds: number;
  over_since?: Instant | null;
  at: Instant;
}

export interface ZoneFeature {
  type: "Feature";
  properties: ZoneProperties;
  geometry: { type: string; coordinates: unknown };
}

export interface ZoneCollection {
  type: "FeatureCollection";
  features: ZoneFeature[];
}

export interface Pose {
  height_m: number;
  yaw_deg: number;
  pitch_deg: number;
  hfov_deg: number;
}

/** A part of a camera's view in which something was taken for an animal. */
export interface Mask {
  id: number;
  area: { box?: { x: number; y: number; w: number; h: number }; pan_deg?: [number, number]; tilt_deg?: [number, number]; zoom?: number };
  to: Instant;
}

export interface Device {
  id: string;
  kind: DeviceKind;
  health: Health;
  /** Registered itself and awaits approval; its health is then `disabled`. */
  quarantined?: boolean;
  last_seen?: Instant | null;
  deadline?: Instant | null;
  place?: LatLon | null;
  pose?: Pose | null;
  last_position?: (LatLon & { ts: Instant }) | null;
  via?: string | null;
  external?: unknown;
  township?: string | null;
  battery_percent?: number | null;
  masks?: Mask[];
  model?: string | null;
  site?: string | null;
  firmware?: string | null;
  /** Why it is not well, each since when. */
  reasons?: { code: string; since: Instant; text?: { zh: string; en: string } }[];
}

export interface SpeciesCount {
  species: string;
  count: Interval;
  young?: Interval | null;
}

export interface TimelineItem {
  at: Instant;
  what: string;
  by?: string | null;
  text?: string | null;
}

export interface Evidence {
  snapshot_id: string;
  device: string;
  ts: Instant;
  /** Left edge, upper edge, width and height of each, as parts of the picture. */
  boxes?: [number, number, number, number][];
}

/** A picture that is kept for an incident. */
export interface Snapshot {
  snapshot_id: string;
  hash: string;
  device: string;
  ts: Instant;
  why: string;
}

export interface CollarTrack {
  device: string;
  from: Instant;
  to: Instant;
  fixes: number;
}

/** An animal by its one mark. */
export interface AnimalMark {
  ear_tag?: string;
  collar?: string;
  face_id?: string;
}

export interface Household {
  id: string;
  name: string;
  township?: string | null;
  stock: "local" | "outside";
  animals: AnimalMark[];
}

/** Another incident of a household in the same year. */
export interface Earlier {
  id: string;
  household: string;
  first_seen: Instant;
  outcome?: Outcome | null;
}

/** One half of the dual report. */
export interface Report {
  duty: string;
  body?: string;
  township?: string | null;
  state: string;
}

export interface Incident {
  id: string;
  status: IncidentStatus;
  severity: Severity;
  drill?: boolean;
  late?: boolean;
  zones: { id: string; name: string; version?: number }[];
  township?: string | null;
  authority?: string | null;
  first_seen: Instant;
  last_seen: Instant;
  ended_at?: Instant | null;
  position: LatLon;
  accuracy_m?: number | null;
  probability?: number | null;
  sightings_count?: number | null;
  species?: SpeciesCount[];
  sheep_units?: Interval | null;
  fine_yuan?: (Interval & { estimate?: boolean }) | null;
  legal_basis?: string | null;
  closure?: Closure | null;
  reasoning?: { zh?: string; en?: string } | null;
  evidence?: Evidence[];
  tracks?: CollarTrack[];
  animals?: AnimalMark[];
  reports?: Report[];
  household?: Household | null;
  other_households?: Household[];
  earlier?: Earlier[];
  outcome?: Outcome | null;
  devices?: string[];
  trigger?: { device: string; kind: string; seq?: number | null; ts: Instant } | null;
  timeline?: TimelineItem[];
}

export type Matter = "flaw" | "outage" | "blind" | "threshold" | "fire" | "passage";

/** Something that people have to know besides incidents. */
export interface Notice {
  id: string;
  matter: Matter;
  /** Which flaw, outage, rule or sign. */
  code: string;
  devices: string[];
  devices_count: number;
  zone?: { id: string; name: string } | null;
  township?: string | null;
  position?: LatLon | null;
  since: Instant;
  until?: Instant | null;
  late?: boolean;
  text: { zh: string; en: string };
}

/** How much of a zone was watched, parts from 0 to 1. */
export interface ZoneWatch {
  zone: { id: string; name: string };
  watched: { hour: number; day: number; week: number };
  blind_mu: number;
  last?: Instant | null;
  blind_since?: Instant | null;
}

/** South, west, north, east, the part that was watched, and when it last was, Unix milliseconds. */
export type CellRow = [number, number, number, number, number, number | null];

export interface Delivery {
  id: string;
  alert?: string | null;
  type?: string | null;
  incident?: string | null;
  subscriber?: string | null;
  subscriber_name?: string | null;
  channel?: string | null;
  state: string;
  attempts: number;
  at?: Instant | null;
  answer?: string | null;
}

export interface Position extends LatLon {
  id: string;
  kind: DeviceKind;
  ts: number;
  heading_deg?: number | null;
  speed_mps?: number | null;
  accuracy_m?: number | null;
  battery_percent?: number | null;
}

export interface Herd extends LatLon, Ellipse {
  id: string;
  accuracy_m: number;
  species: string;
  count: Interval;
  ts: number;
  incident?: string | null;
}

export type LiveEvent =
  | { kind: "incident"; alert: string; severity: Severity; incident: Incident }
  | { kind: "device"; alert: string; device: Device }
  | { kind: "delivery"; delivery: Delivery }
  | { kind: "notice"; alert: string; severity: Severity; notice: Notice }
  | { kind: "zones" }
  | { kind: "devices" };

export type ServerMessage =
  | { type: "hello"; seq: number; server_time: number; tenant?: string }
  | { type: "event"; seq: number; event: LiveEvent }
  | { type: "positions"; seq: number; server_time?: number; items: Position[]; herds: Herd[] }
  | { type: "resync"; seq: number }
  | { type: "ping"; seq: number; server_time: number };

export interface Page<T> {
  items: T[];
  next?: string | null;
}
