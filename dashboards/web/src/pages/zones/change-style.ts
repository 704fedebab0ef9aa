// How a change of land looks. In: a change, the palette. Out: features and OpenLayers styles.
// Gained land bears plus signs and a full line, lost land minus signs under a broken line: form first, colour second.
import Feature, { type FeatureLike } from "ol/Feature";
import type GeoJSON from "ol/format/GeoJSON";
import { MultiPolygon, Polygon } from "ol/geom";
import { Circle, Fill, Stroke, Style } from "ol/style";
import type { Palette } from "../../map/palette";
import type { Change, Geometry } from "./types";

/** Must divide 512: OpenLayers moves patterns with the map in steps of that size. */
const TILE_PX = 16;
const ARM_PX = 4;
const LINE_PX = 1.75;

type Pixel = number[];
/** One part of the land: its outline and its holes. */
type Part = Pixel[][];

function partsOf(geometry: Geometry | null, format: GeoJSON): Part[] {
  const read = geometry === null ? null : format.readGeometry(geometry);
  if (read instanceof Polygon) return [read.getCoordinates()];
  return read instanceof MultiPolygon ? read.getCoordinates() : [];
}

/** The gained and the lost land, and both borders. */
export function changeFeatures(change: Change, format: GeoJSON): Feature[] {
  const before = partsOf(change.before, format);
  const after = partsOf(change.after, format);
  const make = (look: string, parts: Part[], kept = 0): Feature => {
    const feature = new Feature(new MultiPolygon(parts));
    feature.setProperties({ look, kept });
    return feature;
  };
  const borders = [...(before.length > 0 ? [make("before", before)] : []), ...(after.length > 0 ? [make("after", after)] : [])];
  if (change.before === change.after) return [make("same", after)];
  return [make("gained", [...after, ...before], after.length), make("lost", [...before, ...after], before.length), ...borders];
}

function pattern(colour: string, isPlus: boolean): CanvasPattern | null {
  const ratio = window.devicePixelRatio >= 2 ? 2 : 1;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = TILE_PX * ratio;
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.scale(ratio, ratio);
  context.strokeStyle = colour;
  context.lineWidth = LINE_PX;
  const middle = TILE_PX / 2;
  context.moveTo(middle - ARM_PX, middle);
  context.lineTo(middle + ARM_PX, middle);
  if (isPlus) {
    context.moveTo(middle, middle - ARM_PX);
    context.lineTo(middle, middle + ARM_PX);
  }
  context.stroke();
  return context.createPattern(canvas, "repeat");
}

function trace(context: CanvasRenderingContext2D, parts: readonly Part[]): void {
  for (const ring of parts.flat()) {
    for (const [index, [x = 0, y = 0]] of ring.entries()) {
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.closePath();
  }
}

/** Paints what the first `kept` parts have and the others have not: two clips say it exactly, without geometry of our own. */
function difference(colour: string, isPlus: boolean): Style {
  const fill = pattern(colour, isPlus);
  return new Style({
    renderer(coordinates, state) {
      const context = state.context;
      const kept = Number(state.feature.get("kept"));
      const parts = coordinates as unknown as Part[];
      const { width, height } = context.canvas;
      context.save();
      context.beginPath();
      trace(context, parts.slice(0, kept));
      context.clip("evenodd");
      context.beginPath();
      context.rect(0, 0, width, height);
      trace(context, parts.slice(kept));
      context.clip("evenodd");
      context.fillStyle = fill ?? colour;
      context.fillRect(0, 0, width, height);
      context.restore();
    },
  });
}

export function changeStyles(palette: Palette): (feature: FeatureLike) => Style | undefined {
  const looks: Record<string, Style> = {
    gained: difference(palette.notice, true),
    lost: difference(palette.silent, false),
    before: new Style({ stroke: new Stroke({ color: palette.silent, width: 2, lineDash: [6, 5] }) }),
    same: new Style({ stroke: new Stroke({ color: palette.text, width: 1.5 }) }),
    after: new Style({ stroke: new Stroke({ color: palette.notice, width: 2 }) }),
  };
  return (feature) => looks[String(feature.get("look"))];
}

export function selectedStyle(palette: Palette): Style {
  return new Style({ stroke: new Stroke({ color: palette.accent, width: 3 }) });
}

export function placeStyle(palette: Palette): Style {
  return new Style({
    image: new Circle({ radius: 7, fill: new Fill({ color: palette.accent }), stroke: new Stroke({ color: palette.edge, width: 2 }) }),
  });
}
