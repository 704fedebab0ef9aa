// Which span is played, and how it stands in the address. In: the page's settings, presets, an incident. Out: a span, settings. Pure.
import { parseTime } from "../../format";
import type { Incident } from "../../types";
import type { Period } from "./types";

export const PRESETS = ["hour", "shift", "day", "yesterday"] as const;
export type Preset = (typeof PRESETS)[number];
export const SPEEDS = [1, 10, 60, 300] as const;
export const SPEED_DEFAULT = 60;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The most that the server plays at once. */
export const PERIOD_MAX_MS = 7 * DAY_MS;
/** Beijing has no summer time. */
const BEIJING_MS = 8 * HOUR_MS;
/** Before an incident began and after it was last seen. */
const AROUND_MS = 10 * MINUTE_MS;

export function presetPeriod(preset: Preset, now_ms: number): Period {
  if (preset === "yesterday") {
    const midnight = Math.floor((now_ms + BEIJING_MS) / DAY_MS) * DAY_MS - BEIJING_MS;
    return { from_ms: midnight - DAY_MS, to_ms: midnight };
  }
  const length = { hour: HOUR_MS, shift: 8 * HOUR_MS, day: DAY_MS }[preset];
  return { from_ms: now_ms - length, to_ms: now_ms };
}

/** What has not happened yet cannot be played. */
export function incidentPeriod(incident: Pick<Incident, "first_seen" | "last_seen">, now_ms: number): Period | null {
  const first = parseTime(incident.first_seen);
  const last = parseTime(incident.last_seen);
  if (first === null || last === null) return null;
  return { from_ms: first - AROUND_MS, to_ms: Math.max(first, Math.min(now_ms, last + AROUND_MS)) };
}

/** Why a span cannot be played, as the end of a key of the dictionary; `null` when it can. */
export function flawOf({ from_ms, to_ms }: Period): "order" | "long" | null {
  if (!(from_ms < to_ms)) return "order";
  return to_ms - from_ms > PERIOD_MAX_MS ? "long" : null;
}

export interface Settings {
  period: Period | null;
  incident: string | null;
  speed: number;
  at_ms: number | null;
}

export function readSettings(query: Readonly<Record<string, string>>): Settings {
  const from_ms = parseTime(query["from"]);
  const to_ms = parseTime(query["to"]);
  const period = from_ms !== null && to_ms !== null && from_ms < to_ms ? { from_ms, to_ms } : null;
  const asked = Number(query["speed"]);
  const speed = SPEEDS.find((one) => one === asked) ?? SPEED_DEFAULT;
  return { period, incident: query["incident"] ?? null, speed, at_ms: parseTime(query["at"]) };
}

/** To the second: an address is for people. */
function isoSecond(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

export function writeSettings(period: Period, incident: string | null, speed: number, at_ms: number): Record<string, string> {
  const query: Record<string, string> = { from: isoSecond(period.from_ms), to: isoSecond(period.to_ms) };
  if (incident !== null) query["incident"] = incident;
  return { ...query, speed: String(speed), at: isoSecond(at_ms) };
}

/** What a field of date and time holds, in Beijing time, and back. */
export function toField(ms: number): string {
  return new Date(ms + BEIJING_MS).toISOString().slice(0, 16);
}
export function fromField(text: string): number | null {
  const ms = Date.parse(`${text}Z`);
  return Number.isFinite(ms) ? ms - BEIJING_MS : null;
}
