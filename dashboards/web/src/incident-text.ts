// Parts of an incident as text. In: an incident. Out: short strings in the chosen language, reactive in templates.
import { integer, interval, shortName } from "./format";
import { t, word } from "./prefs";
import { incidents, townshipNames } from "./store";
import type { AnimalMark, Herd, Incident, Interval, SpeciesCount, ZoneProperties } from "./types";

/** `35–44`, or `at least 12` in the reader's language. */
export function amount(value: Interval): string {
  return value.high === null ? `${t("at_least")} ${integer(value.low)}` : interval(value);
}

export function townshipText(code: string | null | undefined): string {
  if (code === null || code === undefined || code === "") return t("unknown_township");
  return townshipNames.value.get(code) ?? code;
}

/** `耳标 156000000000001`. */
export function markText(animal: AnimalMark): string {
  const kind = (["ear_tag", "collar", "face_id"] as const).find((name) => animal[name] !== undefined);
  return kind === undefined ? "—" : `${word("mark", kind)} ${animal[kind]}`;
}

export function zoneText(incident: Incident): string {
  return incident.zones[0]?.name ?? t("unknown_zone");
}

/** As a map names land: without the township, which is written once, and without a remark in brackets. */
export function shortZoneText(zone: ZoneProperties): string {
  return shortName(zone.name, zone.kind === "jurisdiction" ? "" : (townshipNames.value.get(zone.township ?? "") ?? ""));
}

/** `绵羊 35–44`: an interval, never a single figure that nobody counted. */
export function speciesText(count: SpeciesCount): string {
  return `${word("species", count.species)} ${amount(count.count)}`;
}

export function herdText(herd: Herd): string {
  // The herd is named after what it mostly is; its incident knows whether there is more in it.
  const known = herd.incident ? incidents.value.get(herd.incident)?.species : undefined;
  const names = known !== undefined && known.length > 1 ? known.map((count) => count.species) : [herd.species];
  return `${names.map((name) => word("species", name)).join(t("and"))} ${amount(herd.count)}`;
}

/** `估算 4,200–5,280 元`; nothing where the rule has no fine. */
export function fineText(incident: Incident): string | null {
  const fine = incident.fine_yuan;
  if (!fine || fine.high === 0) return null;
  return `${t("estimate")} ${amount(fine)} ${t("yuan")}`;
}

export function unitsText(incident: Incident): string | null {
  return incident.sheep_units ? `${amount(incident.sheep_units)} ${t("sheep_units")}` : null;
}
