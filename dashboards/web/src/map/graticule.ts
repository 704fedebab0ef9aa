// The grid of degrees that stands in for a base map. In: the palette. Out: a layer with labels at the edges.
import Graticule from "ol/layer/Graticule";
import { Fill, Stroke, Text } from "ol/style";
import type { Palette } from "./palette";
import { MAP_FONT } from "./zone-style";

function degrees(value: number, positive: string, negative: string): string {
  const minutes = Math.round(Math.abs(value) * 60);
  const whole = Math.floor(minutes / 60);
  const rest = minutes % 60;
  const side = value < 0 ? negative : positive;
  return rest === 0 ? `${whole}°${side}` : `${whole}°${String(rest).padStart(2, "0")}′${side}`;
}

export function graticule(palette: Palette): Graticule {
  const label = (textBaseline: CanvasTextBaseline, textAlign: CanvasTextAlign): Text =>
    new Text({
      font: MAP_FONT,
      textAlign,
      textBaseline,
      fill: new Fill({ color: palette.muted }),
      stroke: new Stroke({ color: palette.halo, width: 3 }),
    });
  return new Graticule({
    strokeStyle: new Stroke({ color: palette.grid, width: 1 }),
    showLabels: true,
    wrapX: false,
    targetSize: 160,
    lonLabelStyle: label("bottom", "center"),
    latLabelStyle: label("middle", "right"),
    lonLabelPosition: 0.005,
    latLabelPosition: 0.995,
    lonLabelFormatter: (lon) => degrees(lon, "E", "W"),
    latLabelFormatter: (lat) => degrees(lat, "N", "S"),
    intervals: [2, 1, 0.5, 0.25, 1 / 6, 1 / 12, 1 / 30, 1 / 60],
  });
}
