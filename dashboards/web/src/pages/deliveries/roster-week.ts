// A duty table as a week of days. In: shifts, a moment. Out: days, bars within them, who is on duty. Pure. Legal time is UTC+8 all year,
// so a legal day is always 24 hours.
import { parseTime } from "../../format";
import type { Roster, Shift } from "./types";

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LEGAL_MS = 8 * HOUR_MS;
/** Longer shifts are refused. */
const SHIFT_MAX_MS = 31 * DAY_MS;

/** The legal midnight at or before. */
export function midnight(ms: number): number {
  return Math.floor((ms + LEGAL_MS) / DAY_MS) * DAY_MS - LEGAL_MS;
}

/** The Monday midnight at or before. 1970-01-01 was a Thursday. */
export function weekOf(ms: number): number {
  const day = Math.floor((ms + LEGAL_MS) / DAY_MS);
  return (day - ((day + 3) % 7)) * DAY_MS - LEGAL_MS;
}

/** A shift with its times as numbers, and its place in the table. */
export interface Span {
  place: number;
  subscriber: string;
  from: number;
  until: number;
}

/** What cannot be read is not drawn; the server never sends it. */
export function spansOf(shifts: readonly Shift[]): Span[] {
  const spans: Span[] = [];
  shifts.forEach(({ subscriber, from, until }, place) => {
    const [begin, end] = [parseTime(from), parseTime(until)];
    if (begin !== null && end !== null) spans.push({ place, subscriber, from: begin, until: end });
  });
  return spans;
}

/** The part of a shift within one day; left and width are parts of the day. */
export interface Bar {
  place: number;
  left: number;
  width: number;
  text: string;
  /** What fits into it: its hours, the hour at which it begins, or nothing. */
  label: string;
}
/** Narrower bars, as parts of a day, hold only an hour; and yet narrower ones nothing. */
const NARROW = 0.24;
const TINY = 0.12;

const clock = (ms: number, day: number): string => {
  const minutes = Math.round((ms - day) / 60_000);
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
};

/** Bars of one person on one day. A night shift is two bars, each with the hours of its own day: `20:00–24:00`, `00:00–08:00`. */
export function barsOf(spans: readonly Span[], subscriber: string, day: number): Bar[] {
  const bars: Bar[] = [];
  for (const span of spans) {
    const [from, until] = [Math.max(span.from, day), Math.min(span.until, day + DAY_MS)];
    if (span.subscriber !== subscriber || from >= until) continue;
    const width = (until - from) / DAY_MS;
    const text = `${clock(from, day)}–${clock(until, day)}`;
    const label = width >= NARROW ? text : width >= TINY ? clock(from, day).slice(0, 2) : "";
    bars.push({ place: span.place, left: (from - day) / DAY_MS, width, text, label });
  }
  return bars.sort((a, b) => a.left - b.left);
}

/** Ids of those on duty at a moment, in the table's order, each once. */
export function onDutyAt(shifts: readonly Shift[], ms: number): string[] {
  return [...new Set(spansOf(shifts).filter(({ from, until }) => from <= ms && ms < until).map(({ subscriber }) => subscriber))];
}

/** Whether somebody is on duty as the tables say; `null` for who stands in none and is always told. */
export function dutyOf(rosters: readonly Roster[], subscriber: string): boolean | null {
  const theirs = rosters.filter(({ shifts }) => shifts.some((shift) => shift.subscriber === subscriber));
  if (theirs.length === 0) return null;
  // Of a table that has nobody on duty all are told.
  return theirs.some(({ on_duty }) => on_duty.length === 0 || on_duty.includes(subscriber));
}

/** Everybody of the table, in the order of their first shift. */
export function peopleOf(shifts: readonly Shift[]): string[] {
  return [...new Set(spansOf(shifts).sort((a, b) => a.from - b.from).map(({ subscriber }) => subscriber))];
}

/** The first moment from `ms` on, within a week, at which the table has nobody; `null`: there is none. */
export function firstGap(shifts: readonly Shift[], ms: number): number | null {
  const spans = spansOf(shifts).sort((a, b) => a.from - b.from);
  let covered = ms;
  for (const { from, until } of spans) if (from <= covered && until > covered) covered = until;
  return covered >= ms + 7 * DAY_MS ? null : covered;
}

/** The shifts that begin in a week, a week later; those that are there already are not doubled. */
export function copyWeek(shifts: readonly Shift[], week: number): Shift[] {
  const spans = spansOf(shifts);
  const there = new Set(spans.map(({ subscriber, from, until }) => `${subscriber} ${from} ${until}`));
  const copies = spans
    .filter(({ from }) => from >= week && from < week + 7 * DAY_MS)
    .map(({ subscriber, from, until }) => ({ subscriber, from: from + 7 * DAY_MS, until: until + 7 * DAY_MS }))
    .filter(({ subscriber, from, until }) => !there.has(`${subscriber} ${from} ${until}`));
  return [...shifts, ...copies.map(({ subscriber, from, until }) => shiftOf(subscriber, from, until))];
}

export function shiftOf(subscriber: string, from: number, until: number): Shift {
  return { subscriber, from: new Date(from).toISOString(), until: new Date(until).toISOString() };
}

/** `2026-04-01 08:00` in legal time, as a form shows it: date and time of day. */
export function legalParts(ms: number): { date: string; time: string } {
  const text = new Date(ms + LEGAL_MS).toISOString();
  return { date: text.slice(0, 10), time: text.slice(11, 16) };
}

/** A shift as it was typed; an end that is not after the beginning is the next day's. `null`: no times, or a shift that is too long. */
export function typedShift(subscriber: string, date: string, from: string, until: string, days: number): Shift | null {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(date) ? parseTime(`${date}T00:00:00+08:00`) : null;
  const [begin, end] = [minutes(from), minutes(until)];
  if (day === null || begin === null || end === null || subscriber === "" || begin === 1_440) return null;
  const start = day + begin * 60_000;
  const stop = day + end * 60_000 + (end <= begin ? DAY_MS : 0) + days * DAY_MS;
  return stop - start > SHIFT_MAX_MS ? null : shiftOf(subscriber, start, stop);
}

function minutes(text: string): number | null {
  const found = /^(?<hour>\d{1,2}):(?<minute>[0-5]\d)$/.exec(text.trim())?.groups;
  if (found === undefined) return null;
  const value = Number(found["hour"]) * 60 + Number(found["minute"]);
  return value <= 1_440 ? value : null;
}
