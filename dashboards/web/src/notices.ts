// Notices as the desk shows them. In: notices. Out: their order, and groups of the same matter. Pure.
import { parseTime } from "./format";
import { replaceAll } from "./merge";
import type { Matter, Notice } from "./types";

/** What must be looked at first stands first. */
export const MATTERS: readonly Matter[] = ["fire", "outage", "blind", "threshold", "flaw", "passage"];

export function compareNotices(a: Notice, b: Notice): number {
  return (
    MATTERS.indexOf(a.matter) - MATTERS.indexOf(b.matter) ||
    (parseTime(b.since) ?? 0) - (parseTime(a.since) ?? 0) ||
    a.id.localeCompare(b.id)
  );
}

export interface NoticeGroup {
  matter: Matter;
  notices: Notice[];
}

/** One group for each matter that there is, in the order in which they count. */
export function groupNotices(notices: Iterable<Notice>): NoticeGroup[] {
  const sorted = [...notices].sort(compareNotices);
  return MATTERS.map((matter) => ({ matter, notices: sorted.filter((notice) => notice.matter === matter) })).filter(
    (group) => group.notices.length > 0,
  );
}

/** A notice that came: held while it lasts. */
export function takeNotice(held: ReadonlyMap<string, Notice>, notice: Notice): Map<string, Notice> {
  const next = new Map(held);
  if (notice.until) next.delete(notice.id);
  else next.set(notice.id, notice);
  return next;
}

/** A list that was asked for at one moment and came later: what the live stream said in between is newer, an end too. */
export function noticesGoingOn(
  held: ReadonlyMap<string, Notice>,
  list: readonly Notice[],
  touched: ReadonlySet<string>,
): Map<string, Notice> {
  return replaceAll(
    held,
    list.filter((notice) => !touched.has(notice.id)),
    touched,
  );
}
