// Numbers, times and ages as text. In: wire values and the server's "now". Out: strings. Pure; legal time is Asia/Shanghai.
import type { Instant, Interval } from "./types";

export type Lang = "zh" | "en";

/** A frame without a zone offset or a broken clock gives `null`, never an invented time. */
export function parseTime(value: Instant | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  const ms = typeof value === "number" ? value : Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}

const parts = new Intl.DateTimeFormat("en-CA", {
  timeZone: "Asia/Shanghai",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

function shanghai(ms: number): { date: string; time: string } {
  const found: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const part of parts.formatToParts(ms)) found[part.type] = part.value;
  const { year = "", month = "", day = "", hour = "", minute = "", second = "" } = found;
  return { date: `${year}-${month}-${day}`, time: `${hour}:${minute}:${second}` };
}

/** `14:03:09`, with the date in front when it is another legal day than `now_ms`. */
export function clockTime(ms: number, now_ms: number): string {
  const at = shanghai(ms);
  return at.date === shanghai(now_ms).date ? at.time : `${at.date.slice(5)} ${at.time}`;
}

/** `2026-04-01 14:03:09`. */
export function dateTime(ms: number): string {
  const at = shanghai(ms);
  return `${at.date} ${at.time}`;
}

const UNITS: readonly { seconds: number; zh: string; en: string }[] = [
  { seconds: 86_400, zh: "天", en: "d" },
  { seconds: 3_600, zh: "小时", en: "h" },
  { seconds: 60, zh: "分", en: "min" },
  { seconds: 1, zh: "秒", en: "s" },
];

/** A duration in its largest unit: `45 秒`, `3 min`. Rounded down: an age never claims to be older than it is. */
export function duration(ms: number, lang: Lang): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const unit = UNITS.find((candidate) => seconds >= candidate.seconds);
  if (unit === undefined) return lang === "zh" ? "0 秒" : "0 s";
  return `${Math.floor(seconds / unit.seconds)} ${unit[lang]}`;
}

/** A clock of a device may run ahead a little; more than this is told instead of hidden. */
const FUTURE_TOLERANCE_MS = 5_000;

/** `3 分前`, `3 min ago`; a time ahead of the server's is said to be so. */
export function age(ms: number, now_ms: number, lang: Lang): string {
  const elapsed_ms = now_ms - ms;
  if (elapsed_ms < -FUTURE_TOLERANCE_MS) {
    const ahead = duration(-elapsed_ms, lang);
    return lang === "zh" ? `${ahead}后` : `in ${ahead}`;
  }
  const text = duration(elapsed_ms, lang);
  return lang === "zh" ? `${text}前` : `${text} ago`;
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `1,240`. */
export function integer(value: number): string {
  return grouped.format(value);
}

/** `35–44`, one figure where both ends are the same, `≥ 12` where nobody knows how many more. */
export function interval(value: Interval): string {
  if (value.high === null) return `≥ ${integer(value.low)}`;
  return value.low === value.high ? integer(value.low) : `${integer(value.low)}–${integer(value.high)}`;
}

/** Metres below a kilometre, kilometres above. */
export function distance(metres: number): string {
  return metres < 1_000 ? `${Math.round(metres)} m` : `${(metres / 1_000).toFixed(1)} km`;
}

/** `43.30120°N 117.50210°E`: five places are about a metre. */
export function coordinates(lat: number, lon: number): string {
  const ns = lat < 0 ? "S" : "N";
  const ew = lon < 0 ? "W" : "E";
  return `${Math.abs(lat).toFixed(5)}°${ns} ${Math.abs(lon).toFixed(5)}°${ew}`;
}

/** `97 %`; never 100 % nor 0 % for what is only likely. */
export function probability(value: number): string {
  if (value > 0.99) return "> 99 %";
  if (value < 0.01) return "< 1 %";
  return `${Math.round(value * 100)} %`;
}

/** `巴彦查干苏木3号禁牧区（演示）` within 巴彦查干苏木: `3号禁牧区`. Never nothing. */
export function shortName(name: string, within: string): string {
  const rest = name.startsWith(within) ? name.slice(within.length) : name;
  return rest.replace(/[（(][^（）()]*[）)]$/u, "").trim() || name;
}
