// The grid of degrees that stands in for a base map, in the colours of the present theme. In: a map. Out: a layer below all others, with labels
// at the edges.
import type OlMap from "ol/Map";
import Graticule from "ol/layer/Graticule";
import { Fill, Stroke, Text } from "ol/style";
import { readPalette, type Palette } from "./palette";

function degrees(value: number, positive: string, negative: string): string {
  const minutes = Math.round(Math.abs(value) * 60);
  const whole = Math.floor(minutes / 60);
  const rest = minutes % 60;
  const side = value < 0 ? negative : positive;
  return rest === 0 ? `${whole}°${side}` : `${whole}°${String(rest).padStart(2, "0")}′${side}`;
}

function graticule(palette: Palette): Graticule {
  const label = (textBaseline: CanvasTextBaseline, textAlign: CanvasTextAlign): Text =>
    new Text({
      font: palette.font,
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

/** The map's colours and labels as they are now, with the grid drawn anew in them; the first thing that a map that changes its look does. */
export function regrid(map: OlMap): () => Palette {
  let grid: Graticule | null = null;
  return () => {
    const palette = readPalette(map.getTargetElement());
    if (grid !== null) map.removeLayer(grid);
    grid = graticule(palette);
    map.getLayers().insertAt(0, grid);
    return palette;
  };
}
