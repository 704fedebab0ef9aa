// Parts of patrols and routes as text. In: what the server says. Out: short strings in the chosen language.
import { t } from "../../prefs";
import type { Flown } from "./types";

/** Gaps that are named one by one. */
const GAPS_NAMED_MAX = 4;

/** `未到 1.2–3.4 km`; nothing where all of it was flown. */
export function gapsText({ gaps_km }: Flown): string {
  if (gaps_km.length === 0) return "";
  const named = gaps_km.slice(0, GAPS_NAMED_MAX).map(([from, to]) => `${from}–${to}`);
  const more = gaps_km.length > GAPS_NAMED_MAX ? "…" : "";
  return t("route_gaps", { gaps: `${named.join(", ")}${more}` });
}
