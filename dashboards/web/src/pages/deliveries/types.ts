// The nouns of telling people, as they are on the wire. In: JSON. Out: types and the words that the interface takes, no code.
import type { Delivery, Instant, Severity } from "../../types";

export const TABS = ["records", "subscribers", "rosters", "messages", "letters", "drill"] as const;
export type Tab = (typeof TABS)[number];

export const STATES = ["pending", "delivered", "dead"] as const;
export const CHANNELS = ["webhook", "sms", "wecom", "dingtalk", "feishu", "mqtt", "platform", "fire_warning"] as const;
export type Channel = (typeof CHANNELS)[number];
export const SEVERITIES = ["notice", "warning", "urgent"] as const;
export const DUTIES = ["local_government", "forestry_authority"] as const;
export type Duty = (typeof DUTIES)[number];

/** Every kind of alert, as `steppewatch.` names them. */
export const EVENTS = [
  "incident.opened",
  "incident.updated",
  "incident.escalated",
  "incident.closed",
  "incident.withdrawn",
  "delivery.half_reported",
  "checkpoint.passage",
  "fire.seen",
  "fire.over",
  "zone.overload",
  "zone.overload_ended",
  "zone.blind",
  "zone.watched",
  "device.silent",
  "device.back",
  "device.faulty",
  "device.sound",
  "fleet.outage",
  "fleet.outage_over",
  "station.threshold",
  "station.threshold_over",
] as const;
export const ZONE_KINDS = ["no-grazing", "balance", "project", "overlap", "forest", "forest-farm", "reserve", "meadow", "checkpoint", "jurisdiction"] as const;
export const LAND_CLASSES = ["grassland", "forest", "sandy-land"] as const;
export const AUTHORITIES = ["township", "forestry_bureau", "forestry_squadron", "reserve_station"] as const;

/** One attempt to tell somebody. */
export interface Try {
  at: Instant;
  took_ms?: number | null;
  answer?: string | null;
}

export interface DeliveryRow extends Delivery {
  duty?: string | null;
  /** The last attempts, oldest first. */
  tries?: Try[];
}

/** How a receiver takes what it is told. */
export interface ReceiverHealth {
  state: "unknown" | "ok" | "failing";
  pending: number;
  dead: number;
  delivered_at?: Instant | null;
  failed_at?: Instant | null;
  answer?: string | null;
}

export interface Quiet {
  from: string;
  until: string;
  below: Severity;
}

export interface Subscriber {
  id: string;
  name: string;
  channel: Channel;
  /** Of a robot without its token. */
  url?: string | null;
  /** With four digits hidden. */
  phone?: string | null;
  /** Only in the answer that made it. */
  secret?: string | null;
  language: "zh" | "en";
  events: string[];
  townships: string[];
  zones: string[];
  zone_kinds: string[];
  land_classes: string[];
  authorities: string[];
  severity: Severity;
  after?: string | null;
  quiet?: Quiet | null;
  /** Why it is switched off; nothing where it is on. */
  off?: string | null;
  duty?: Duty | null;
  since?: Instant;
  health?: ReceiverHealth;
}

/** What `POST` and `PUT /subscribers` take. */
export interface SubscriberBody {
  name: string;
  channel: Channel;
  url?: string;
  phone?: string;
  secret?: string;
  language: "zh" | "en";
  events: string[];
  townships: string[];
  zones: string[];
  zone_kinds: string[];
  land_classes: string[];
  authorities: string[];
  severity: Severity;
  after?: string;
  quiet: "none" | Quiet;
  duty?: Duty;
}

export interface Shift {
  subscriber: string;
  from: Instant;
  until: Instant;
}

/** A duty table. */
export interface Roster {
  name: string;
  shifts: Shift[];
  /** Ids of those on duty when it was asked for. */
  on_duty: string[];
}

/** What a message says of one example, and how long that is. */
export interface Says {
  text: string;
  characters: number;
  sms_parts: number;
}

export interface Message {
  /** `incident.opened.zh` */
  name: string;
  text: string;
  is_own: boolean;
  says: Says[];
}

/** What a device said that was not understood. */
export interface DeadLetter {
  id: string;
  offset: number;
  device: string;
  received_at: Instant;
  channel: string;
  reason: string;
  detail: string;
}

/** The bytes of a message, as far as the server shows them. */
export interface LetterPayload {
  /** How long the message is. */
  bytes: number;
  /** Its beginning, where that is UTF-8. */
  text: string | null;
  base64: string;
}

/** The same with its bytes; nothing where the journal no longer holds them. */
export interface WholeLetter extends DeadLetter {
  payload: LetterPayload | null;
}
