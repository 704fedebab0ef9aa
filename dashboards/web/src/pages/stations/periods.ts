// Which span of time a chart shows, and the same days of earlier years. In: a period's name, the server's now. Out: spans. Pure.
// Legal time is Asia/Shanghai, eight hours ahead of UTC all year since 1991.
import type { SeriesSpan } from "./api";

export const PERIODS = ["day", "week", "month", "season"] as const;
export type Period = (typeof PERIODS)[number];

export const isPeriod = (text: string | undefined): text is Period => PERIODS.some((period) => period === text);

const AHEAD_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;
/** The growing season, first and last legal day included: from the key green-up period to the end of growth. */
const SEASON_FIRST = { month: 2, day: 1 };
const SEASON_LAST = { month: 8, day: 30 };
/** So many years back are looked for. */
export const EARLIER_YEARS = 3;

const legalMidnight = (year: number, month: number, day: number): number => Date.UTC(year, month, day) - AHEAD_MS;

export function legalYear(ms: number): number {
  return new Date(ms + AHEAD_MS).getUTCFullYear();
}

export function spanOf(period: Period, now_ms: number): SeriesSpan {
  if (period === "day") return { from_ms: now_ms - DAY_MS, to_ms: now_ms, step: "10m" };
  if (period === "week") return { from_ms: now_ms - 7 * DAY_MS, to_ms: now_ms, step: "1h" };
  if (period === "month") return { from_ms: now_ms - 30 * DAY_MS, to_ms: now_ms, step: "1d" };
  // Before March the last season is the one to look at.
  const thisYear = legalYear(now_ms);
  const year = now_ms < legalMidnight(thisYear, SEASON_FIRST.month, SEASON_FIRST.day) ? thisYear - 1 : thisYear;
  const from_ms = legalMidnight(year, SEASON_FIRST.month, SEASON_FIRST.day);
  const to_ms = legalMidnight(year, SEASON_LAST.month, SEASON_LAST.day + 1);
  return { from_ms, to_ms, step: "1d" };
}

/** The same legal date and time so many years earlier; 29 February becomes 28 February. */
export function yearsBefore(ms: number, years: number): number {
  const at = new Date(ms + AHEAD_MS);
  const month = at.getUTCMonth();
  at.setUTCFullYear(at.getUTCFullYear() - years);
  if (at.getUTCMonth() !== month) at.setUTCDate(0);
  return at.getTime() - AHEAD_MS;
}

/** The same days so many years earlier, and by how much its times have to be moved to lie over this year's. */
export function spanBefore(span: SeriesSpan, years: number): SeriesSpan & { shift_ms: number } {
  const to_ms = yearsBefore(span.to_ms, years);
  return { from_ms: yearsBefore(span.from_ms, years), to_ms, step: span.step, shift_ms: span.to_ms - to_ms };
}

const STEPS_MS: Record<string, number> = { "10m": 600_000, "1h": 3_600_000, "1d": DAY_MS };

export const stepOf = (span: SeriesSpan): number => STEPS_MS[span.step ?? ""] ?? 0;
