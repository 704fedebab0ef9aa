// How a device and the ground it sees are drawn. In: its registered setting and the new one, the palette. Out: features and their styles.
// Registered: dashed and hollow. New: filled, stronger where detection gives places than where it only gives directions.
import Feature, { type FeatureLike } from "ol/Feature";
import type { Coordinate } from "ol/coordinate";
import { LineString, Point, Polygon } from "ol/geom";
import { fromLonLat } from "ol/proj";
import { Circle, Fill, Stroke, Style } from "ol/style";
import { unitsPerMetre } from "../../map/geometry";
import { withAlpha, type Palette } from "../../map/palette";
import { sameSetting, type Setting } from "./pose-form";
import { groundView, placedReach, type GroundPoint } from "./view-ground";

/** How far from the device its handle stands on the screen: always in reach, whatever the scale. */
export const HANDLE_PX = 96;

type Look = "before-ground" | "before" | "ground" | "placed" | "after";

function feature(look: Look, geometry: Point | Polygon, yaw_deg: number | null = null): Feature {
  const made = new Feature(geometry);
  made.setProperties({ look, yaw_deg }, true);
  return made;
}

function groundOf({ place, pose }: Setting, reach_m?: number): Polygon | null {
  if (place === null || pose === null) return null;
  const outline = groundView(pose, reach_m)?.outline ?? [];
  if (outline.length < 3) return null;
  const [x = 0, y = 0] = fromLonLat([place.lon, place.lat]);
  const units = unitsPerMetre(place.lat);
  const corner = ([east_m, north_m]: GroundPoint): Coordinate => [x + east_m * units, y + north_m * units];
  return new Polygon([[...outline, ...outline.slice(0, 1)].map(corner)]);
}

function markOf(look: Look, { place, pose }: Setting): Feature[] {
  return place === null ? [] : [feature(look, new Point(fromLonLat([place.lon, place.lat])), pose?.yaw_deg ?? null)];
}

/** What is registered only where it would become another. */
export function markFeatures(before: Setting, after: Setting): Feature[] {
  const ground = groundOf(after);
  const placed = after.pose === null ? null : groundOf(after, placedReach(after.pose.height_m));
  const isNew = !sameSetting(before, after);
  const old = isNew ? groundOf(before) : null;
  return [
    ...(ground === null ? [] : [feature("ground", ground)]),
    ...(placed === null ? [] : [feature("placed", placed)]),
    ...(old === null ? [] : [feature("before-ground", old)]),
    ...(isNew ? markOf("before", before) : []),
    ...markOf("after", after),
  ];
}

export function poseStyle(palette: Palette): (feature: FeatureLike, resolution: number) => Style[] {
  const line = (color: string, width: number, lineDash?: number[]): Stroke => new Stroke({ color, width, ...(lineDash === undefined ? {} : { lineDash }) });
  const halo = new Style({ stroke: line(palette.halo, 4) });
  const dot = (radius: number, fill: string, stroke: Stroke): Circle => new Circle({ radius, fill: new Fill({ color: fill }), stroke });
  // Gold alone is pale on light ground: every golden line has a dark edge under it.
  const edge = new Style({ stroke: line(palette.edge, 2.5) });
  const looks: Record<Exclude<Look, "after">, Style[]> = {
    ground: [new Style({ fill: new Fill({ color: withAlpha(palette.accent, 0.07) }) }), edge, new Style({ stroke: line(palette.accent, 1.25) })],
    placed: [new Style({ fill: new Fill({ color: withAlpha(palette.accent, 0.2) }), stroke: line(withAlpha(palette.accent, 0.9), 1) })],
    "before-ground": [halo, new Style({ stroke: line(palette.text, 1.5, [6, 5]) })],
    before: [new Style({ image: dot(7, palette.ground, line(palette.text, 1.5, [3, 3])) })],
  };
  const body = new Style({ image: dot(8, palette.accent, line(palette.edge, 2)) });
  const axisEdge = line(palette.edge, 4);
  const axisLine = line(palette.accent, 2);
  const rim = dot(8, palette.ground, line(palette.edge, 2));
  const knob = dot(6, palette.ground, line(palette.accent, 3));

  function handle(of: FeatureLike, yaw_deg: number, resolution: number): Style[] {
    const [x = 0, y = 0] = (of.getGeometry() as Point).getCoordinates();
    const yaw = (yaw_deg * Math.PI) / 180;
    const end = [x + HANDLE_PX * resolution * Math.sin(yaw), y + HANDLE_PX * resolution * Math.cos(yaw)];
    const axis = new LineString([[x, y], end]);
    const lines = [axisEdge, axisLine].map((stroke) => new Style({ geometry: axis, stroke }));
    return [...lines, ...[rim, knob].map((image) => new Style({ geometry: new Point(end), image }))];
  }

  return (one, resolution) => {
    const look = one.get("look") as Look;
    if (look !== "after") return looks[look];
    const yaw_deg = one.get("yaw_deg") as number | null;
    return yaw_deg === null ? [body] : [...handle(one, yaw_deg, resolution), body];
  };
}
