// What stands in the form of a receiver, and what the interface takes of it. In: a subscriber, fields as typed. Out: fields, a body, and
// faults found before asking. Pure. An address, phone and secret that are left empty in a change stay as they are.
import type { MessageKey } from "../../i18n/translate";
import type { Severity } from "../../types";
import type { Channel, Duty, Subscriber, SubscriberBody } from "./types";

export const AFTER_UNITS = ["s", "m", "h"] as const;
export type AfterUnit = (typeof AFTER_UNITS)[number];

export interface Fields {
  name: string;
  channel: Channel;
  url: string;
  phone: string;
  secret: string;
  language: "zh" | "en";
  events: string[];
  townships: string[];
  zones: string[];
  zone_kinds: string[];
  land_classes: string[];
  authorities: string[];
  severity: Severity;
  /** Empty: at once. */
  after: string;
  after_unit: AfterUnit;
  quiet: boolean;
  quiet_from: string;
  quiet_until: string;
  quiet_below: Severity;
  duty: Duty | "";
}
export type FieldName = keyof Fields;

/** Which fields a channel has; the same rules as the registry's. */
export interface Way {
  url: boolean;
  phone: boolean;
  /** A robot's signing secret, given by its group. */
  secret: boolean;
  /** Listeners are told by topics of townships: no zones, land, bodies, delays or halves of the report. */
  filters: boolean;
  /** Takes a try. */
  test: boolean;
  /** Its secret is ours to renew. */
  renew: boolean;
}
export function wayOf(channel: Channel): Way {
  const upstream = channel === "platform" || channel === "fire_warning";
  const robot = channel === "wecom" || channel === "dingtalk" || channel === "feishu";
  return {
    url: robot || channel === "webhook",
    phone: channel === "sms",
    secret: channel === "dingtalk" || channel === "feishu" || channel === "webhook",
    filters: channel !== "mqtt",
    test: channel !== "mqtt" && !upstream,
    renew: channel === "webhook",
  };
}

/** `15m` as a number and its unit; whole hours as hours. */
export function parseAfter(text: string | null | undefined): { after: string; after_unit: AfterUnit } {
  const found = /^(?<number>\d+)(?<unit>[smh])$/.exec(text ?? "")?.groups;
  const number = found?.["number"] ?? "";
  if (found?.["unit"] === "s") return { after: number, after_unit: "s" };
  if (found?.["unit"] === "h") return { after: number, after_unit: "h" };
  const minutes = Number(number);
  if (minutes > 0 && minutes % 60 === 0) return { after: String(minutes / 60), after_unit: "h" };
  return { after: number, after_unit: "m" };
}

export function emptyFields(channel: Channel): Fields {
  return {
    name: "",
    channel,
    url: "",
    phone: "",
    secret: "",
    language: "zh",
    events: [],
    townships: [],
    zones: [],
    zone_kinds: [],
    land_classes: [],
    authorities: [],
    severity: "notice",
    after: "",
    after_unit: "m",
    // A phone is woken at night by nothing that is only good to know, unless its owner wants it.
    quiet: channel === "sms",
    quiet_from: "22:00",
    quiet_until: "06:00",
    quiet_below: "warning",
    duty: "",
  };
}

export function fieldsOf(one: Subscriber): Fields {
  const { name, language, events, townships, zones, zone_kinds, land_classes, authorities, severity } = one;
  const lists = { events: [...events], townships: [...townships], zones: [...zones], zone_kinds: [...zone_kinds] };
  const hours = one.quiet ? { quiet: true, quiet_from: one.quiet.from, quiet_until: one.quiet.until, quiet_below: one.quiet.below } : { quiet: false };
  return {
    ...emptyFields(one.channel),
    ...lists,
    ...parseAfter(one.after),
    ...hours,
    ...{ name, language, severity, land_classes: [...land_classes], authorities: [...authorities], duty: one.duty ?? "" },
    // A robot's address comes without its token: sent back, it would be lost.
    url: one.channel === "webhook" ? (one.url ?? "") : "",
  };
}

const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d$/;

/** What is wrong before asking, by field. */
export function faultsOf(fields: Fields, isChange: boolean): Partial<Record<FieldName, MessageKey>> {
  const way = wayOf(fields.channel);
  const faults: Partial<Record<FieldName, MessageKey>> = {};
  if (fields.name.trim() === "") faults.name = "receiver_fault_name";
  if (way.url && fields.url.trim() === "" && (!isChange || fields.channel === "webhook")) faults.url = "receiver_fault_url";
  if (way.url && fields.url.trim() !== "" && !/^https?:\/\/\S+$/.test(fields.url.trim())) faults.url = "receiver_fault_url";
  if (way.phone && fields.phone.trim() === "" && !isChange) faults.phone = "receiver_fault_phone";
  if (fields.duty !== "" || !way.filters) return faults;
  if (fields.after.trim() !== "" && !/^[1-9]\d*$/.test(fields.after.trim())) faults.after = "receiver_fault_after";
  const ends = TIME_OF_DAY.test(fields.quiet_from) && (TIME_OF_DAY.test(fields.quiet_until) || fields.quiet_until === "24:00");
  if (fields.quiet && (!ends || fields.quiet_from === fields.quiet_until)) faults.quiet = "receiver_fault_quiet";
  return faults;
}

export function bodyOf(fields: Fields): SubscriberBody {
  const way = wayOf(fields.channel);
  const given = (value: string): string | null => (value.trim() === "" ? null : value.trim());
  const { channel, language, events, townships, severity, duty } = fields;
  const { zones, zone_kinds, land_classes, authorities } = fields;
  const lists = way.filters ? { zones, zone_kinds, land_classes, authorities } : { zones: [], zone_kinds: [], land_classes: [], authorities: [] };
  const body: SubscriberBody = { name: fields.name.trim(), channel, language, events, townships, ...lists, severity, quiet: "none" };
  const [url, phone, secret, after] = [given(fields.url), given(fields.phone), given(fields.secret), given(fields.after)];
  if (way.url && url !== null) body.url = url;
  if (way.phone && phone !== null) body.phone = phone;
  if (way.secret && secret !== null) body.secret = secret;
  if (!way.filters) return body;
  // A half of the dual report is told at once, day and night.
  if (duty !== "") return { ...body, duty };
  if (after !== null) body.after = `${after}${fields.after_unit}`;
  if (fields.quiet) body.quiet = { from: fields.quiet_from, until: fields.quiet_until, below: fields.quiet_below };
  return body;
}

const SERVER_FIELDS: Record<string, FieldName> = { "quiet.below": "quiet", zone: "zones", township: "townships", event: "events" };
const NAMES = new Set<string>(["name", "url", "phone", "secret", "events", "townships", "zones", "zone_kinds", "severity", "after", "quiet", "duty", "language"]);

/** Beside which field a refusal of the server stands: it begins with the field's name, or has it in backticks after `field`. */
export function fieldOfRefusal(detail: string): FieldName | null {
  const word = /^(?:field `)?(?<word>[\w.]+)/.exec(detail)?.groups?.["word"] ?? "";
  if (NAMES.has(word)) return word as FieldName;
  return SERVER_FIELDS[word] ?? null;
}

/** How many of the filters are set, for a line in the list. */
export function isLimited(one: Subscriber): boolean {
  return [one.events, one.townships, one.zones, one.zone_kinds, one.land_classes, one.authorities].some((list) => list.length > 0);
}
