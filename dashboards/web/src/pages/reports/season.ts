// Spans and numbers of the season's report. In: now, rows. Out: legal dates, shares of a bar, what is asked of the server. Pure.
import type { SeasonRow } from "./types";

export const SPANS = ["quarter", "last_quarter", "year", "rest"] as const;
export type SpanName = (typeof SPANS)[number];

/** Legal dates, both days included. */
export interface Dates {
  from: string;
  to: string;
}

const BEIJING_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

const date = (year: number, month: number, day: number): string => new Date(Date.UTC(year, month, day)).toISOString().slice(0, 10);

/** The rest period is that of balance zones, 1 April to 15 June: this year's, or last year's until it has begun. */
export function spanOf(name: SpanName, now_ms: number): Dates {
  const today = new Date(now_ms + BEIJING_MS);
  const year = today.getUTCFullYear();
  const month = today.getUTCMonth();
  const first = month - (month % 3);
  switch (name) {
    case "quarter":
      return { from: date(year, first, 1), to: date(year, first + 3, 0) };
    case "last_quarter":
      return { from: date(year, first - 3, 1), to: date(year, first, 0) };
    case "year":
      return { from: date(year, 0, 1), to: date(year, 11, 31) };
    case "rest": {
      const of = month < 3 ? year - 1 : year;
      return { from: date(of, 3, 1), to: date(of, 5, 15) };
    }
  }
}

/** The server's end is excluded. */
export function askedOf({ from, to }: Dates, township: string): Record<string, string> {
  const after = new Date(Date.parse(`${to}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  return township === "" ? { from, to: after } : { from, to: after, township };
}

export const isSpan = ({ from, to }: Dates): boolean => /^\d{4}-\d\d-\d\d$/.test(from) && /^\d{4}-\d\d-\d\d$/.test(to) && from <= to;

/** How long the bar of a row is against the longest, from 0 to 1. */
export function barShare(row: SeasonRow, rows: readonly SeasonRow[]): number {
  const most = Math.max(0, ...rows.map((one) => one.incidents));
  return most === 0 ? 0 : row.incidents / most;
}
