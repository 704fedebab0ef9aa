// How things on the land look. In: what a feature carries (`data`), the palette, the language. Out: OpenLayers styles.
// Kind is a shape, health is how the shape is drawn (filled, hollow, dashed), severity is triangle, diamond or circle.
import type { FeatureLike } from "ol/Feature";
import { LineString, Polygon, type Point } from "ol/geom";
import { toLonLat } from "ol/proj";
import { Circle as Dot, Fill, RegularShape, Stroke, Style, Text } from "ol/style";
import type ImageStyle from "ol/style/Image";
import type { Device, Health, Herd, Incident, LatLon, Position, Severity } from "../types";
import { ellipse, reachNorth } from "./ellipse";
import { groundRange, unitsPerMetre, wedge } from "./geometry";
import { withAlpha, type Palette } from "./palette";

export interface MoverData {
  position: Position;
  trail: readonly LatLon[];
  trailCoordinates: number[][];
  stale: boolean;
}

/** The wedge shows direction; on a small scale it keeps this size on the screen so that it can be seen at all. */
const WEDGE_PX = 24;
/** Beyond this a picture shows no sheep, whatever the pitch says. */
const WEDGE_RANGE_MAX_M = 1_500;
/** A herd whose error is smaller than this on the screen is still a thing to point at; its ring is then not dashed. */
const HERD_RADIUS_MIN_PX = 7;
const HERD_LABEL_RESOLUTION_MAX = 320;

type Shape = "square" | "camera" | "diamond";

function stroke(color: string, width: number, lineDash?: number[]): Stroke {
  return lineDash === undefined ? new Stroke({ color, width }) : new Stroke({ color, width, lineDash });
}

/** Filled: heard. Hollow pink: silent. Dashed: never seen. Hollow vermilion: faulty. Faint: disabled. */
function healthInk(health: Health, colour: string, palette: Palette): { fill: Fill; stroke: Stroke } {
  const hollow = new Fill({ color: palette.ground });
  switch (health) {
    case "online":
      return { fill: new Fill({ color: colour }), stroke: stroke(palette.edge, 1) };
    case "late":
      return { fill: new Fill({ color: withAlpha(colour, 0.5) }), stroke: stroke(palette.warning, 1.5) };
    case "silent":
      return { fill: hollow, stroke: stroke(palette.silent, 2) };
    case "faulty":
      return { fill: hollow, stroke: stroke(palette.urgent, 2) };
    case "never_seen":
      return { fill: hollow, stroke: stroke(palette.muted, 1.5, [2, 2]) };
    default:
      return { fill: hollow, stroke: stroke(withAlpha(palette.muted, 0.5), 1) };
  }
}

function shapeImage(shape: Shape, ink: { fill: Fill; stroke: Stroke }): ImageStyle {
  if (shape === "camera") return new Dot({ radius: 4, ...ink });
  const angle = shape === "square" ? Math.PI / 4 : 0;
  return new RegularShape({ points: 4, radius: shape === "square" ? 6 : 5, angle, ...ink });
}

export function severityImage(severity: Severity, radius: number, ink: { fill: Fill; stroke: Stroke }): ImageStyle {
  if (severity === "urgent") return new RegularShape({ points: 3, radius: radius + 1, ...ink });
  if (severity === "warning") return new RegularShape({ points: 4, radius, ...ink });
  return new Dot({ radius: radius - 2, ...ink });
}

export interface PointStyles {
  camera: (feature: FeatureLike, resolution: number) => Style[];
  station: (feature: FeatureLike) => Style;
  other: (feature: FeatureLike) => Style;
  drone: (feature: FeatureLike) => Style[];
  collar: (feature: FeatureLike) => Style;
  herd: (feature: FeatureLike, resolution: number) => Style[];
  incident: (feature: FeatureLike) => Style[];
}

export function pointStyles(palette: Palette, herdLabel: (herd: Herd) => string, isSelected: (id: string) => boolean): PointStyles {
  const cache = new Map<string, Style>();
  const cached = (key: string, make: () => Style): Style => {
    let style = cache.get(key);
    if (style === undefined) {
      style = make();
      cache.set(key, style);
    }
    return style;
  };
  const device = (shape: Shape, health: Health, colour: string): Style =>
    cached(`${shape}|${health}`, () => new Style({ image: shapeImage(shape, healthInk(health, colour, palette)) }));

  /** How many stand here. */
  const countStyle = (together: number): Style =>
    cached(`together|${together}`, () => {
      const ink = { fill: new Fill({ color: palette.text }), backgroundFill: new Fill({ color: palette.ground }), backgroundStroke: stroke(palette.urgent, 1) };
      return new Style({ text: new Text({ text: `×${together}`, font: palette.font, offsetX: 20, offsetY: -10, padding: [1, 3, 0, 3], ...ink }), zIndex: 3 });
    });

  return {
    camera(feature, resolution) {
      const camera = feature.get("data") as Device;
      const mark = device("camera", camera.health, palette.text);
      const pose = camera.pose;
      if (!pose) return [mark];
      const apex = (feature.getGeometry() as Point).getCoordinates();
      const lat = camera.place?.lat ?? 0;
      const range_m = Math.min(groundRange(pose.height_m, pose.pitch_deg) ?? WEDGE_RANGE_MAX_M, WEDGE_RANGE_MAX_M);
      const radius = Math.max(range_m * unitsPerMetre(lat), WEDGE_PX * resolution);
      const seen = camera.health === "online" || camera.health === "late";
      const fan = new Style({
        geometry: new Polygon([wedge(apex, pose.yaw_deg, pose.hfov_deg, radius)]),
        fill: new Fill({ color: withAlpha(palette.text, seen ? 0.12 : 0.03) }),
        stroke: stroke(withAlpha(palette.text, seen ? 0.45 : 0.2), 1, seen ? undefined : [3, 3]),
      });
      return [fan, mark];
    },
    station: (feature) => device("square", (feature.get("data") as Device).health, palette.fine),
    other: (feature) => device("diamond", (feature.get("data") as Device).health, palette.muted),
    drone(feature) {
      const { position, trailCoordinates, stale } = feature.get("data") as MoverData;
      const colour = stale ? withAlpha(palette.notice, 0.4) : palette.notice;
      const heading = position.heading_deg ?? null;
      const image = new RegularShape({
        points: heading === null ? 4 : 3,
        radius: 7,
        scale: heading === null ? 1 : [0.75, 1.15],
        rotation: ((heading ?? 0) * Math.PI) / 180,
        rotateWithView: true,
        fill: new Fill({ color: colour }),
        stroke: stroke(palette.edge, 1.5),
      });
      const styles = [new Style({ image, zIndex: 1 })];
      if (trailCoordinates.length > 1)
        styles.unshift(new Style({ geometry: new LineString(trailCoordinates), stroke: stroke(withAlpha(palette.notice, 0.55), 1.5) }));
      return styles;
    },
    collar(feature) {
      const { stale } = feature.get("data") as MoverData;
      return cached(`collar|${String(stale)}`, () => {
        const color = stale ? withAlpha(palette.herd, 0.35) : palette.herd;
        return new Style({ image: new Dot({ radius: 2, fill: new Fill({ color }) }) });
      });
    },
    herd(feature, resolution) {
      const herd = feature.get("data") as Herd;
      const centre = (feature.getGeometry() as Point).getCoordinates();
      const perMetre = unitsPerMetre(toLonLat(centre)[1] ?? 0);
      const least = HERD_RADIUS_MIN_PX * resolution;
      const along = Math.max(herd.along_m * perMetre, least);
      const across = Math.max(herd.across_m * perMetre, least);
      const small = along <= 2 * least;
      const ring = new Style({
        geometry: new Polygon([ellipse(centre, along, across, herd.bearing_deg)]),
        fill: new Fill({ color: withAlpha(palette.herd, 0.1) }),
        stroke: stroke(withAlpha(palette.herd, 0.9), 1.25, small ? undefined : [4, 3]),
      });
      if (resolution > HERD_LABEL_RESOLUTION_MAX) return [ring];
      const text = new Text({
        text: herdLabel(herd),
        font: palette.font,
        offsetY: -Math.min(reachNorth(along, across, herd.bearing_deg) / resolution, 60) - 10,
        fill: new Fill({ color: palette.herd }),
        stroke: stroke(palette.halo, 3),
      });
      return [ring, new Style({ text })];
    },
    incident(feature) {
      const incident = feature.get("data") as Incident;
      const over = incident.ended_at !== null && incident.ended_at !== undefined;
      const taken = incident.status !== "open";
      const mark = cached(`incident|${incident.severity}|${String(over)}|${String(taken)}`, () => {
        const colour = palette[incident.severity];
        const fill = new Fill({ color: over ? palette.ground : withAlpha(colour, taken ? 0.55 : 1) });
        const ink = { fill, stroke: stroke(over ? colour : palette.edge, over ? 2 : 1.5) };
        return new Style({ image: severityImage(incident.severity, 9, ink), zIndex: taken ? 1 : 2 });
      });
      const { together = 1 } = feature.get("data") as { together?: number };
      const marks = together > 1 ? [mark, countStyle(together)] : [mark];
      if (!isSelected(incident.id)) return marks;
      const ring = cached("selected", () => new Style({ image: new Dot({ radius: 15, stroke: stroke(palette.accent, 2) }) }));
      return [ring, ...marks];
    },
  };
}
