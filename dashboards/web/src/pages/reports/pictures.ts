// Which pictures go onto a case sheet. In: all that an incident can show, the oldest first. Out: as many as there is room for, in the same order. Pure.
import type { ShownPicture } from "../../evidence";

/** Only what is kept can be printed. Pictures in which something was seen prove more than the others; the newest of them count, and one from
 * before the alarm shows the land without the herd. */
export function sheetPictures(pictures: readonly ShownPicture[], most: number): ShownPicture[] {
  const kept = pictures.filter((picture) => picture.hash !== null);
  const newest = [...kept].reverse();
  const ranked = [...newest.filter((one) => one.before).slice(0, 1), ...newest.filter((one) => one.boxes.length > 0), ...newest.filter((one) => one.boxes.length === 0)];
  const chosen = new Set(ranked.map((one) => one.key).filter((key, index, keys) => keys.indexOf(key) === index).slice(0, most));
  return kept.filter((one) => chosen.has(one.key));
}
