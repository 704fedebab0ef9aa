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

const HEX_BYTES_A_LINE = 16;
/** Lines of a dump: enough to know a format by its head. */
const HEX_LINES_MAX = 16;

/** The first bytes as a dump: place, bytes, and the letters among them. */
export function hexDump(base64: string): string {
  const bytes = Uint8Array.from(atob(base64).slice(0, HEX_BYTES_A_LINE * HEX_LINES_MAX), (letter) => letter.charCodeAt(0));
  const lines: string[] = [];
  for (let from = 0; from < bytes.length; from += HEX_BYTES_A_LINE) {
    const part = [...bytes.slice(from, from + HEX_BYTES_A_LINE)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const letters = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${from.toString(16).padStart(4, "0")}  ${hex.padEnd(HEX_BYTES_A_LINE * 3 - 1)}  ${letters}`);
  }
  return lines.join("\n");
}
