// Drawing and moving a border. In: the map, the neighbours, a border to begin with. Out: the border after each step.
// What is drawn catches on the corners and edges of the neighbours, so that no sliver stays between two zones.
import Feature from "ol/Feature";
import type OlMap from "ol/Map";
import type GeoJSON from "ol/format/GeoJSON";
import type { Geometry as OlGeometry } from "ol/geom";
import Draw from "ol/interaction/Draw";
import Modify from "ol/interaction/Modify";
import Snap from "ol/interaction/Snap";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { Circle, Fill, Stroke, Style } from "ol/style";
import { readPalette, withAlpha } from "../../map/palette";
import type { Geometry } from "./types";

export interface BorderEditor {
  /** One step back: the last corner while drawing, then the last move. */
  undo(): void;
  stop(): void;
}

/** Begins with a border or none, and tells each step; nothing while there is no map. */
export type Pencil = (start: Geometry | null, onChange: (border: Geometry | null) => void) => BorderEditor | null;

/** A tired hand's reach. */
const SNAP_PX = 12;
/** 1e-7 degrees, a centimetre: what the platform keeps. */
const DECIMALS = 7;

function sketchStyle(map: OlMap): Style {
  const palette = readPalette(map.getTargetElement());
  return new Style({
    fill: new Fill({ color: withAlpha(palette.accent, 0.08) }),
    stroke: new Stroke({ color: palette.accent, width: 2 }),
    image: new Circle({ radius: 6, fill: new Fill({ color: palette.accent }), stroke: new Stroke({ color: palette.edge, width: 1.5 }) }),
  });
}

export function borderEditor(
  map: OlMap,
  neighbours: VectorSource,
  start: Geometry | null,
  format: GeoJSON,
  onChange: (border: Geometry | null) => void,
): BorderEditor {
  const source = new VectorSource();
  const style = sketchStyle(map);
  const layer = new VectorLayer({ source, style });
  const draw = new Draw({ source, type: "Polygon", style, stopClick: true });
  const modify = new Modify({ source, style, pixelTolerance: SNAP_PX });
  const snap = new Snap({ source: neighbours, pixelTolerance: SNAP_PX });
  const steps: OlGeometry[] = [];
  const border = new Feature<OlGeometry>();

  function tell(): void {
    const shape = border.getGeometry();
    onChange(shape === undefined ? null : (format.writeGeometryObject(shape, { decimals: DECIMALS, rightHanded: true }) as Geometry));
  }
  function begin(shape: OlGeometry): void {
    border.setGeometry(shape);
    source.clear(true);
    source.addFeature(border);
    draw.setActive(false);
    modify.setActive(true);
    steps.push(shape.clone());
    tell();
  }

  map.addLayer(layer);
  map.addInteraction(modify);
  map.addInteraction(draw);
  // The last one added sees the pointer first, and has to: it moves it onto the neighbour's border.
  map.addInteraction(snap);
  modify.setActive(false);
  draw.on("drawend", ({ feature }) => {
    const shape = feature.getGeometry();
    // The interaction adds what was drawn to the source after this.
    if (shape !== undefined) queueMicrotask(() => { begin(shape); });
  });
  modify.on("modifyend", () => {
    const shape = border.getGeometry();
    if (shape !== undefined) steps.push(shape.clone());
    tell();
  });
  if (start !== null) {
    const shape = format.readGeometry(start);
    if (shape !== null) begin(shape);
  }

  return {
    undo() {
      if (steps.length === 0) {
        draw.removeLastPoint();
        return;
      }
      // The first step is what the border began with; a new one then goes back to being drawn.
      if (steps.length === 1 && start !== null) return;
      steps.pop();
      const last = steps.at(-1);
      border.setGeometry(last?.clone());
      if (last === undefined) {
        source.clear(true);
        modify.setActive(false);
        draw.setActive(true);
      }
      tell();
    },
    stop() {
      for (const interaction of [snap, draw, modify]) map.removeInteraction(interaction);
      map.removeLayer(layer);
    },
  };
}
