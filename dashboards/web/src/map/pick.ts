// What is under the pointer. In: a pixel, the visible layers. Out: the nearest thing, else the smallest zone there.
// Own arithmetic instead of the library's hit canvas: hatches have holes, and software rendering pays for every canvas.
import type { Pixel } from "ol/pixel";
import type OlMap from "ol/Map";
import type VectorSource from "ol/source/Vector";
import { getArea } from "ol/extent";
import type { PointFeature } from "./sync";

export type ObjectKind = "incident" | "herd" | "device" | "zone";
export interface ObjectRef {
  kind: ObjectKind;
  id: string;
}

export interface Candidates {
  kind: ObjectKind;
  source: VectorSource<PointFeature>;
}

/** A finger's or tired hand's reach. */
const REACH_PX = 12;

export function pick(map: OlMap, pixel: Pixel, layers: readonly Candidates[], zones: VectorSource | null): ObjectRef | null {
  const [px = 0, py = 0] = pixel;
  for (const { kind, source } of layers) {
    let best: { id: string; distance: number } | null = null;
    for (const feature of source.getFeatures()) {
      const at = map.getPixelFromCoordinate(feature.getGeometry()?.getCoordinates() ?? [0, 0]) as Pixel | null;
      if (at === null) continue;
      const distance = Math.hypot((at[0] ?? 0) - px, (at[1] ?? 0) - py);
      if (distance <= REACH_PX && distance < (best?.distance ?? Infinity)) best = { id: String(feature.getId()), distance };
    }
    if (best !== null) return { kind, id: best.id };
  }
  return zones === null ? null : pickZone(map, pixel, zones);
}

function pickZone(map: OlMap, pixel: Pixel, zones: VectorSource): ObjectRef | null {
  const coordinate = map.getCoordinateFromPixel(pixel) as Pixel | null;
  if (coordinate === null) return null;
  const areaOf = (feature: { getGeometry(): { getExtent(): number[] } | undefined }): number =>
    getArea(feature.getGeometry()?.getExtent() ?? [0, 0, 0, 0]);
  const found = zones.getFeaturesAtCoordinate(coordinate).sort((a, b) => areaOf(a) - areaOf(b));
  const [first] = found;
  return first === undefined ? null : { kind: "zone", id: String(first.getId()) };
}
