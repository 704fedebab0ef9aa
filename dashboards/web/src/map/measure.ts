// The ruler: an operator draws a line or an outline. In: the map, which of both. Out: its geodesic length or area, told while it is drawn.
import OlMap from "ol/Map";
import { LineString, Polygon, type Geometry } from "ol/geom";
import Draw from "ol/interaction/Draw";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { getArea, getLength } from "ol/sphere";
import { Circle, Fill, Stroke, Style } from "ol/style";
import { withAlpha, type Palette } from "./palette";

export type MeasureKind = "line" | "area";
export type Measured = { kind: "line"; length_m: number } | { kind: "area"; area_m2: number };

/** On the ground, not on the stretched map. */
export function measuredOf(geometry: Geometry): Measured | null {
  if (geometry instanceof LineString) return { kind: "line", length_m: getLength(geometry) };
  return geometry instanceof Polygon ? { kind: "area", area_m2: getArea(geometry) } : null;
}

export interface Ruler {
  isOn(): boolean;
  start(kind: MeasureKind | null, palette: Palette, tell: (measured: Measured | null) => void): void;
}

export function measuring(map: OlMap): Ruler {
  const source = new VectorSource();
  const layer = new VectorLayer({ source });
  let draw: Draw | null = null;

  return {
    isOn: () => draw !== null,
    start(kind, palette, tell) {
      if (draw !== null) map.removeInteraction(draw);
      draw = null;
      source.clear();
      map.removeLayer(layer);
      tell(null);
      if (kind === null) return;
      const stroke = new Stroke({ color: palette.accent, width: 2 });
      const style = new Style({
        stroke,
        fill: new Fill({ color: withAlpha(palette.accent, 0.15) }),
        image: new Circle({ radius: 4, stroke, fill: new Fill({ color: palette.ground }) }),
      });
      layer.setStyle(style);
      map.addLayer(layer);
      draw = new Draw({ source, type: kind === "line" ? "LineString" : "Polygon", style });
      draw.on("drawstart", ({ feature }) => {
        source.clear();
        const geometry = feature.getGeometry();
        geometry?.on("change", () => {
          tell(measuredOf(geometry));
        });
      });
      map.addInteraction(draw);
    },
  };
}
