// Which deliveries are listed, and in what order. In: what was asked for and what the live stream brought. Out: rows, newest first. Pure.
import { parseTime } from "../../format";
import type { Instant } from "../../types";
import type { DeliveryRow } from "./types";

/** Of an attempt's answer so much is shown. */
export const ANSWER_MAX = 2_048;

export interface RowFilter {
  state: string;
  channel: string;
  receiver: string;
}

const time = (at: Instant | null | undefined): number => parseTime(at) ?? 0;

/** Both know the same delivery: the later word counts, of two at once the live one. */
function later(asked: DeliveryRow, live: DeliveryRow): DeliveryRow {
  return time(asked.at) > time(live.at) ? asked : live;
}

export function mergeRows(asked: ReadonlyMap<string, DeliveryRow>, live: ReadonlyMap<string, DeliveryRow>): DeliveryRow[] {
  const all = new Map(asked);
  for (const [id, row] of live) {
    const known = all.get(id);
    all.set(id, known === undefined ? row : later(known, row));
  }
  return [...all.values()].sort((a, b) => time(b.at) - time(a.at) || a.id.localeCompare(b.id));
}

export function filterRows(rows: readonly DeliveryRow[], filter: RowFilter): DeliveryRow[] {
  const fits = (wanted: string, is: string | null | undefined): boolean => wanted === "" || wanted === is;
  return rows.filter((row) => fits(filter.state, row.state) && fits(filter.channel, row.channel) && fits(filter.receiver, row.subscriber));
}

/** The receivers that occur, by id, with the newest name of each. */
export function receiversOf(rows: readonly DeliveryRow[]): { id: string; name: string }[] {
  const names = new Map<string, string>();
  for (const row of rows) if (row.subscriber && !names.has(row.subscriber)) names.set(row.subscriber, row.subscriber_name ?? row.subscriber);
  return [...names].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name, "zh"));
}

/** `steppewatch.incident.opened` as the dictionary's word: `incident_opened`. */
export function alertWord(type: string | null | undefined): string {
  return (type ?? "").replace("steppewatch.", "").replaceAll(".", "_");
}

export function cutAnswer(answer: string | null | undefined): string {
  const text = (answer ?? "").trim();
  return text.length > ANSWER_MAX ? `${text.slice(0, ANSWER_MAX)}…` : text;
}
