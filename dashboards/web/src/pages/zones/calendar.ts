// A year of closures in one zone. In: the calendar, the zone. Out: stretches of days with the strictest rule of each. Pure.
// The same reading of the law as the platform's: a later decision replaces an earlier one about the same season.
import type { ClosureLevel } from "../../types";
import type { Calendar, ClosureDecision, ClosureRule, ZoneFacts } from "./types";

const DAY_MS = 86_400_000;

/** Days of one level under one rule, counted from 0 on 1 January, both included. */
export interface Stretch {
  first: number;
  last: number;
  level: Exclude<ClosureLevel, "none">;
  rule: string;
  legal_basis: string;
}

export const daysOf = (year: number): number => (Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1)) / DAY_MS;

/** Which day of `year` a date `YYYY-MM-DD` is; below 0 or beyond the last where it is of another year. */
export function dayOf(date: string, year: number): number {
  return Math.round((Date.parse(`${date}T00:00:00Z`) - Date.UTC(year, 0, 1)) / DAY_MS);
}

/** `04-01` of a day's number. */
export function monthDay(day: number, year: number): string {
  return new Date(Date.UTC(year, 0, 1) + day * DAY_MS).toISOString().slice(5, 10);
}

const within = (list: readonly string[], value: string | null | undefined): boolean => list.length === 0 || list.includes(value ?? "");

function ruleHolds(rule: ClosureRule, zone: ZoneFacts): boolean {
  return rule.kinds.includes(zone.kind) && within(rule.townships, zone.township) && within(rule.zones, zone.id) && within(rule.land_classes, zone.land_class);
}

type Days = [first: number, last: number];

function seasonOf(rule: ClosureRule, year: number): Days[] {
  const end = daysOf(year) - 1;
  if (rule.season === null) return [[0, end]];
  const from = dayOf(`${year}-${rule.season.from}`, year);
  const to = dayOf(`${year}-${rule.season.to}`, year);
  return from <= to ? [[from, to]] : [[0, to], [from, end]];
}

interface Closed {
  days: Days;
  basis: string;
}

function closedDays(rule: ClosureRule, decisions: readonly ClosureDecision[], year: number): Closed[] {
  const replaced = decisions.filter((decision) => !decision.adds).at(-1);
  const own: Closed[] = replaced === undefined ? seasonOf(rule, year).map((days) => ({ days, basis: rule.legal_basis })) : [];
  const decided = decisions.filter((decision) => decision.adds || decision === replaced);
  const more = decided.map(({ first, last, legal_basis }): Closed => ({
    days: [dayOf(first, year), dayOf(last, year)],
    basis: `${rule.legal_basis}; ${legal_basis}`,
  }));
  const from = rule.effective_from === null ? 0 : dayOf(rule.effective_from, year);
  const to = rule.effective_to === null ? daysOf(year) - 1 : dayOf(rule.effective_to, year);
  return [...own, ...more].map(({ days: [first, last], basis }) => ({ days: [Math.max(first, from, 0), Math.min(last, to, daysOf(year) - 1)], basis }));
}

export function yearOf(zone: ZoneFacts, calendar: Calendar, year: number): Stretch[] {
  const days = new Array<Omit<Stretch, "first" | "last"> | null>(daysOf(year)).fill(null);
  for (const rule of calendar.rules.filter((one) => ruleHolds(one, zone))) {
    const decisions = calendar.decisions.filter(
      (one) => one.rule === rule.name && one.year === year && within(one.townships, zone.township) && within(one.zones, zone.id),
    );
    for (const { days: [first, last], basis } of closedDays(rule, decisions, year))
      for (let day = first; day <= last; day += 1) {
        const other = days[day] ?? null;
        if (other === null || (other.level === "warn" && rule.level === "enforce")) days[day] = { level: rule.level, rule: rule.name, legal_basis: basis };
      }
  }
  const stretches: Stretch[] = [];
  for (const [day, closed] of days.entries()) {
    const open = stretches.at(-1);
    if (closed === null) continue;
    if (open?.last === day - 1 && open.rule === closed.rule && open.legal_basis === closed.legal_basis) open.last = day;
    else stretches.push({ first: day, last: day, ...closed });
  }
  return stretches;
}
