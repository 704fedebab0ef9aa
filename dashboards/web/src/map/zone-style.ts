// How land looks. In: a zone's kind and closure, the palette. Out: OpenLayers styles, made once per theme.
// Closed land is hatched with a vermilion outline, discouraged land dotted orange, open balance land a thin green line,
// forests and reserves a green wash of 10 %: form first, colour second, and never a fill that hides the ground.
import type { FeatureLike } from "ol/Feature";
import { getBottomLeft, getBottomRight, getTopLeft, getWidth } from "ol/extent";
import { Point } from "ol/geom";
import { Fill, Stroke, Style, Text } from "ol/style";
import type { ZoneProperties } from "../types";
import { hatch } from "./hatch";
import { withAlpha, type Palette } from "./palette";

const FOREST_KINDS = new Set(["forest", "forest-farm", "reserve"]);
/** Names appear from about 1:400,000 on; above that the map would be all text. */
const LABEL_RESOLUTION_MAX = 120;
/** A township is far larger than a zone: its name may stand where zones have none yet. */
const TOWNSHIP_LABEL_RESOLUTION_MAX = 320;
/** From this width on a zone has room for its name inside. */
const WIDE_PX = 280;

export interface ZoneStyler {
  (feature: FeatureLike, resolution: number): Style[];
}

/** Where an atlas writes the name of a large area: its middle is full of smaller things. */
function topLeft(feature: FeatureLike): Point | undefined {
  const extent = feature.getGeometry()?.getExtent();
  return extent === undefined ? undefined : new Point(getTopLeft(extent));
}

/** Small zones carry their name below, where it hides neither herd nor station. */
function below(feature: FeatureLike): Point | undefined {
  const extent = feature.getGeometry()?.getExtent();
  if (extent === undefined) return undefined;
  const [west = 0, south = 0] = getBottomLeft(extent);
  const [east = 0] = getBottomRight(extent);
  return new Point([(west + east) / 2, south]);
}

function outlineOf(zone: ZoneProperties, palette: Palette): Stroke {
  const level = zone.closure?.level ?? "none";
  if (zone.kind === "jurisdiction") return new Stroke({ color: withAlpha(palette.muted, 0.45), width: 1, lineDash: [8, 4] });
  if (level === "enforce") return new Stroke({ color: withAlpha(palette.urgent, 0.85), width: 1.25 });
  if (level === "warn") return new Stroke({ color: palette.warning, width: 2, lineDash: [1, 5], lineCap: "round" });
  return new Stroke({ color: withAlpha(palette.fine, 0.8), width: 1 });
}

export function zoneStyler(palette: Palette, labelOf: (zone: ZoneProperties) => string): ZoneStyler {
  const lines = new Fill({ color: hatch(withAlpha(palette.urgent, 0.32)) });
  const green = new Fill({ color: withAlpha(palette.fine, 0.1) });
  // An invisible fill would swallow nothing and cost a pass; open land simply has none.
  const looks = new Map<string, Style[]>();
  const labels = new Map<string, Style>();

  function look(zone: ZoneProperties): Style[] {
    const level = zone.closure?.level ?? "none";
    const forest = FOREST_KINDS.has(zone.kind);
    const key = `${zone.kind}|${level}`;
    let styles = looks.get(key);
    if (styles === undefined) {
      styles = [];
      if (forest) styles.push(new Style({ fill: green }));
      if (level === "enforce" && zone.kind !== "jurisdiction") styles.push(new Style({ fill: lines }));
      styles.push(new Style({ stroke: outlineOf(zone, palette) }));
      looks.set(key, styles);
    }
    return styles;
  }

  function label(zone: ZoneProperties, isWide: boolean): Style {
    const text = labelOf(zone);
    const key = `${zone.kind}|${String(isWide)}|${text}`;
    let style = labels.get(key);
    if (style === undefined) {
      const ink = { font: palette.font, fill: new Fill({ color: palette.muted }), stroke: new Stroke({ color: palette.halo, width: 3 }) };
      style =
        zone.kind === "jurisdiction"
          ? new Style({ geometry: topLeft, text: new Text({ ...ink, text, textAlign: "left", offsetX: 12, offsetY: 14 }) })
          : isWide
            ? new Style({ text: new Text({ ...ink, text }) })
            : new Style({ geometry: below, text: new Text({ ...ink, text, offsetY: 10 }) });
      labels.set(key, style);
    }
    return style;
  }

  return (feature, resolution) => {
    const zone = feature.getProperties() as unknown as ZoneProperties;
    const styles = look(zone);
    const limit = zone.kind === "jurisdiction" ? TOWNSHIP_LABEL_RESOLUTION_MAX : LABEL_RESOLUTION_MAX;
    if (resolution >= limit) return styles;
    const width_px = getWidth(feature.getGeometry()?.getExtent() ?? [0, 0, 0, 0]) / resolution;
    return [...styles, label(zone, width_px > WIDE_PX)];
  };
}
