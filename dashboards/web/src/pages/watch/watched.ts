// Which land is watched, asked for while somebody looks at that layer. In: whether it is shown, and which zone was picked. Out: parts
// of zones, and the cells of the picked one. What cannot be asked is not drawn: an old veil would lie.
import { shallowRef, watch, type ShallowRef } from "vue";
import { api } from "../../api";
import { every } from "../../every";
import type { CellRow } from "../../types";

/** Land is watched at the pace of drones and cameras. */
const ASK_EVERY_MS = 60_000;

export interface Watched {
  shares: ShallowRef<ReadonlyMap<string, number>>;
  cells: ShallowRef<{ zone: string; rows: CellRow[] } | null>;
}

export function useWatched(isShown: () => boolean, picked: () => string | null): Watched {
  const shares = shallowRef<ReadonlyMap<string, number>>(new Map());
  const cells = shallowRef<{ zone: string; rows: CellRow[] } | null>(null);

  async function ask(): Promise<void> {
    if (!isShown()) return;
    const zone = picked();
    try {
      const [zones, rows] = await Promise.all([api.coverage(), zone === null ? null : api.cells(zone)]);
      shares.value = new Map(zones.map((one) => [one.zone.id, one.watched.week]));
      cells.value = zone === null || rows === null || zone !== picked() ? null : { zone, rows };
    } catch {
      // The banner says when the server is away.
      shares.value = new Map();
      cells.value = null;
    }
  }
  watch([isShown, picked], () => void ask(), { immediate: true });
  every(ASK_EVERY_MS, () => void ask());
  return { shares, cells };
}
