// Parts of patrols and routes as text. In: what the server says. Out: short strings in the chosen language.
import { duration, type Lang } from "../../format";
import { t } from "../../prefs";
import type { Flown } from "./types";

/** Gaps that are named one by one. */
const GAPS_NAMED_MAX = 4;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** `1 小时 52 分`, `4 分 8 秒`: how long somebody was out is told in two units. */
export function lasted(seconds: number, lang: Lang): string {
  const ms = seconds * 1_000;
  const unit = ms >= HOUR_MS ? HOUR_MS : MINUTE_MS;
  const rest = ms % unit;
  return ms < MINUTE_MS || rest < unit / 60 ? duration(ms, lang) : `${duration(ms, lang)} ${duration(rest, lang)}`;
}

/** `未到 1.2–3.4 km`; nothing where all of it was flown. */
export function gapsText({ gaps_km }: Flown): string {
  if (gaps_km.length === 0) return "";
  const named = gaps_km.slice(0, GAPS_NAMED_MAX).map(([from, to]) => `${from}–${to}`);
  const more = gaps_km.length > GAPS_NAMED_MAX ? "…" : "";
  return t("route_gaps", { gaps: `${named.join(", ")}${more}` });
}
