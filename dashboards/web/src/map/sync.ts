// Keeps the features of a layer in step with the store. In: a source and the objects wanted. Out: features added, moved,
// removed; unchanged ones stay the same object, so OpenLayers rebuilds only what changed.
import Feature from "ol/Feature";
import type { Coordinate } from "ol/coordinate";
import Point from "ol/geom/Point";
import type VectorSource from "ol/source/Vector";

export interface Mark<T> {
  id: string;
  at: Coordinate;
  data: T;
}

export type PointFeature = Feature<Point>;

export function syncPoints<T>(source: VectorSource<PointFeature>, wanted: readonly Mark<T>[]): void {
  const ids = new Set(wanted.map((mark) => mark.id));
  const gone = source.getFeatures().filter((feature) => !ids.has(String(feature.getId())));
  for (const feature of gone) source.removeFeature(feature);
  const fresh: PointFeature[] = [];
  for (const mark of wanted) {
    const held = source.getFeatureById(mark.id);
    if (held === null) {
      const feature: PointFeature = new Feature(new Point(mark.at));
      feature.setId(mark.id);
      feature.set("data", mark.data, true);
      fresh.push(feature);
      continue;
    }
    const silent = held.get("data") === mark.data;
    held.set("data", mark.data, true);
    const before = held.getGeometry()?.getCoordinates();
    if (before?.[0] !== mark.at[0] || before?.[1] !== mark.at[1]) held.getGeometry()?.setCoordinates(mark.at);
    else if (!silent) held.changed();
  }
  if (fresh.length > 0) source.addFeatures(fresh);
}
