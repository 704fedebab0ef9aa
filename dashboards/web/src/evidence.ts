// Which pictures an incident can show. In: what the incident names and what is kept for it. Out: one list, the oldest first. Pure.
import { parseTime } from "./format";
import type { Evidence, Instant, Snapshot } from "./types";

export interface ShownPicture {
  key: string;
  device: string;
  snapshot_id: string;
  ts: Instant;
  /** Name of the kept file; without one only what was seen in it is known. */
  hash: string | null;
  /** Left edge, upper edge, width and height of each, as parts of the picture. */
  boxes: [number, number, number, number][];
  /** The one before the first that the incident names. */
  before: boolean;
}

/** Device ids hold no spaces. */
const keyOf = (device: string, snapshot: string): string => `${device} ${snapshot}`;

export function shownPictures(named: readonly Evidence[], kept: readonly Snapshot[]): ShownPicture[] {
  const hashes = new Map(kept.map((item) => [keyOf(item.device, item.snapshot_id), item.hash]));
  const pictures: ShownPicture[] = named.map((item) => {
    const key = keyOf(item.device, item.snapshot_id);
    const { device, snapshot_id, ts } = item;
    return { key, device, snapshot_id, ts, hash: hashes.get(key) ?? null, boxes: item.boxes ?? [], before: false };
  });
  const known = new Set(pictures.map((picture) => picture.key));
  for (const { device, snapshot_id, ts, hash, why } of kept) {
    const key = keyOf(device, snapshot_id);
    if (known.has(key)) continue;
    known.add(key);
    pictures.push({ key, device, snapshot_id, ts, hash, boxes: [], before: why === "before" });
  }
  return pictures.sort((a, b) => (parseTime(a.ts) ?? 0) - (parseTime(b.ts) ?? 0) || a.key.localeCompare(b.key));
}
