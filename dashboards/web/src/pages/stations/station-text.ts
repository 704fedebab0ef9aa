// Parts of a station as text, and which of them come first. In: what the server says. Out: short strings, an order.
import { chartNumber } from "../../chart";
import { parseTime } from "../../format";
import { t, word } from "../../prefs";
import type { LatestValue, Station } from "./types";

/** A bare number has no unit to show; mu are written as people here do. */
export function unitText(unit: string): string {
  if (unit === "1" || unit === "") return "";
  return unit === "kg/mu" ? t("unit_kg_per_mu") : unit;
}

export function valueText({ value, unit }: Pick<LatestValue, "value" | "unit">): string {
  return `${chartNumber(value)} ${unitText(unit)}`.trim();
}

/** When anything last came. */
export function newestOf(station: Station): number | null {
  const times = station.latest.map(({ ts }) => parseTime(ts)).filter((ms) => ms !== null);
  return times.length === 0 ? null : Math.max(...times);
}

export const doubtsOf = (station: Station): number => station.latest.filter(({ sound }) => !sound).length;

/** What is past a limit comes first, then what is doubted; `station-2` before `station-10`. */
export function compareStations(a: Station, b: Station): number {
  return b.past.length - a.past.length || doubtsOf(b) - doubtsOf(a) || a.device.localeCompare(b.device, "en", { numeric: true });
}

export type GreenState = "greened" | "not_yet" | "unknown";

export function greenState({ green_up }: Station): GreenState {
  if (green_up.greened_on !== null) return "greened";
  return green_up.judged ? "not_yet" : "unknown";
}

/** A rule's name is Chinese and English in one. */
export function inLanguage(text: string, lang: "zh" | "en"): string {
  const cut = text.search(/\s[a-zA-Z]/u);
  if (cut < 0 || !/\p{Script=Han}/u.test(text.slice(0, cut))) return text;
  return (lang === "zh" ? text.slice(0, cut) : text.slice(cut)).trim();
}

export function personText(name: string): string {
  return name === "platform" ? t("person_platform") : name;
}

export const pastText = (station: Station): string => station.past.map((name) => word("threshold", name)).join(t("and"));
