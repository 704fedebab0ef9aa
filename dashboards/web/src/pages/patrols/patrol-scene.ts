// The map of patrols. In: zones, a track with the land seen from it, planned routes, blind land. Out: a drawn map, and a line that
// somebody drew. Reuses the looks of the live map; holds no state beyond what is drawn.
import Feature, { type FeatureLike } from "ol/Feature";
import OlMap from "ol/Map";
import View from "ol/View";
import ScaleLine from "ol/control/ScaleLine";
import { createEmpty, extend, isEmpty, type Extent } from "ol/extent";
import GeoJSON from "ol/format/GeoJSON";
import { LineString, Point } from "ol/geom";
import { fromExtent } from "ol/geom/Polygon";
import Draw from "ol/interaction/Draw";
import { defaults as defaultInteractions } from "ol/interaction/defaults";
import VectorLayer from "ol/layer/Vector";
import VectorImageLayer from "ol/layer/VectorImage";
import { fromLonLat, toLonLat, transformExtent } from "ol/proj";
import VectorSource from "ol/source/Vector";
import { Circle, Fill, RegularShape, Stroke, Style, Text } from "ol/style";
import { blindLayer } from "../../map/blind";
import { regrid } from "../../map/graticule";
import { readPalette, withAlpha, type Palette } from "../../map/palette";
import { zoneStyler } from "../../map/zone-style";
import type { ZoneCollection, ZoneProperties } from "../../types";
import { partOf } from "./line";
import type { LonLat, RouteFeature, Shown } from "./types";

/** What browser tests see of the map. */
export interface PatrolProbe {
  zones: number;
  track: number;
  cells: number;
  routes: number;
  /** Where a place is on the screen, pixels of the map. */
  pixelOf(place: LonLat): number[];
  /** Fulfilled when all of it is drawn. */
  drawn(): Promise<void>;
}

export interface PatrolScene {
  probe: PatrolProbe;
  setZones(zones: ZoneCollection): void;
  show(shown: Shown, now_ms: number): void;
  /** What is being planned, as a line of its own. */
  setDraft(line: readonly LonLat[]): void;
  setDrawing(drawing: boolean): void;
  fit(): void;
  restyle(): void;
  zoomBy(steps: number): void;
  destroy(): void;
}

export interface PatrolHooks {
  zoneLabel(zone: ZoneProperties): string;
  onDrawn(line: LonLat[]): void;
}

const HOME: LonLat = [117.5, 43.3];
const HOME_ZOOM = 8.5;
const FIT_ZOOM_MAX = 14;
const FIT_PADDING_PX = 40;
const MOTION_MS = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150;
const CELL_ALPHA = 0.38;
const STEPS = 8;

const lineOf = (line: readonly LonLat[]): LineString => new LineString(line.map((place) => fromLonLat(place)));

export function createPatrolScene(target: HTMLElement, hooks: PatrolHooks): PatrolScene {
  const zoneSource = new VectorSource();
  const seen = new VectorSource();
  const lines = new VectorSource();
  const drafts = new VectorSource();
  const zoneLayer = new VectorImageLayer({ source: zoneSource, declutter: true, imageRatio: 1.5 });
  const seenLayer = new VectorImageLayer({ source: seen, imageRatio: 1.5 });
  const lineLayer = new VectorLayer({ source: lines, declutter: true });
  const draftLayer = new VectorLayer({ source: drafts });
  const blind = blindLayer();
  blind.layer.setVisible(true);
  const map = new OlMap({
    target,
    controls: [new ScaleLine({ units: "metric", minWidth: 80 })],
    interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, doubleClickZoom: false }),
    view: new View({ center: fromLonLat(HOME), zoom: HOME_ZOOM, minZoom: 6, maxZoom: 18, enableRotation: false }),
    layers: [zoneLayer, blind.layer, seenLayer, lineLayer, draftLayer],
  });
  const gridded = regrid(map);
  let palette = readPalette(target);
  let draw: Draw | null = null;
  let focus = "";
  const probe: PatrolProbe = {
    zones: 0,
    track: 0,
    cells: 0,
    routes: 0,
    pixelOf: (place) => map.getPixelFromCoordinate(fromLonLat(place)),
    drawn: () =>
      new Promise((resolve) => {
        const look = (): void => {
          if (map.getView().getAnimating()) next();
          else resolve();
        };
        const next = (): void => {
          map.once("rendercomplete", () => requestAnimationFrame(look));
          map.render();
        };
        next();
      }),
  };

  function trackFeatures(track: readonly LonLat[]): Feature[] {
    const [first, last] = [track[0], track.at(-1)];
    if (first === undefined || last === undefined || track.length < 2) return [];
    const way = new Feature(lineOf(track));
    const ends = [first, last].map((place) => new Feature(new Point(fromLonLat(place))));
    [way, ...ends].forEach((feature, index) => { feature.set("look", ["track", "start", "end"][index], true); });
    return [way, ...ends];
  }
  function routeFeatures({ geometry, properties }: RouteFeature, isOpen: boolean): Feature[] {
    const route = new Feature(lineOf(geometry.coordinates));
    route.setProperties({ look: isOpen ? "route-open" : "route", label: properties.name }, true);
    if (!isOpen) return [route];
    const gaps = properties.flown.gaps_km.map(([from, to]) => partOf(geometry.coordinates, from * 1_000, to * 1_000)).filter((part) => part.length > 1);
    return [route, ...gaps.map((part) => new Feature({ geometry: lineOf(part), look: "gap" }))];
  }
  /** The line of interest first, then the zone, then everything. */
  function extentOf(shown: Shown): Extent {
    const extent = createEmpty();
    if (shown.track.length > 1) extend(extent, lineOf(shown.track).getExtent());
    const open = shown.routes.find(({ properties }) => properties.id === shown.route);
    if (open !== undefined) extend(extent, lineOf(open.geometry.coordinates).getExtent());
    const zone = shown.cells.zone === null ? null : zoneSource.getFeatureById(shown.cells.zone);
    if (isEmpty(extent) && zone !== null) extend(extent, zone.getGeometry()?.getExtent() ?? createEmpty());
    if (isEmpty(extent) && zoneSource.getFeatures().length > 0) extend(extent, zoneSource.getExtent() ?? createEmpty());
    return extent;
  }
  let latest: Shown | null = null;
  function fit(): void {
    const extent = latest === null ? createEmpty() : extentOf(latest);
    if (!isEmpty(extent)) map.getView().fit(extent, { padding: Array<number>(4).fill(FIT_PADDING_PX), maxZoom: FIT_ZOOM_MAX, duration: MOTION_MS });
  }
  const stop = (): void => {
    if (draw !== null) map.removeInteraction(draw);
    draw = null;
  };

  const scene: PatrolScene = {
    probe,
    setZones(zones) {
      const features = new GeoJSON().readFeatures(zones, { featureProjection: "EPSG:3857" }) as Feature[];
      for (const feature of features) feature.setId(String(feature.get("id")));
      const wasEmpty = zoneSource.getFeatures().length === 0;
      zoneSource.clear(true);
      zoneSource.addFeatures(features);
      probe.zones = features.length;
      if (wasEmpty) fit();
    },
    show(shown, now_ms) {
      latest = shown;
      seen.clear(true);
      if (shown.cells.zone === null)
        seen.addFeatures(
          shown.cells.rows.map(([south, west, north, east, share]) => {
            const cell = new Feature(fromExtent(transformExtent([west, south, east, north], "EPSG:4326", "EPSG:3857")));
            cell.set("step", Math.round(share * STEPS), true);
            return cell;
          }),
        );
      blind.setCells(shown.cells.zone, shown.cells.zone === null ? [] : shown.cells.rows, now_ms);
      blind.setWatched(zoneSource, shown.watched);
      lines.clear(true);
      lines.addFeatures([...shown.routes.flatMap((route) => routeFeatures(route, route.properties.id === shown.route)), ...trackFeatures(shown.track)]);
      Object.assign(probe, { track: shown.track.length, cells: shown.cells.rows.length, routes: shown.routes.length });
      if (shown.focus !== focus) {
        focus = shown.focus;
        fit();
      }
    },
    setDraft(line) {
      drafts.clear(true);
      if (line.length > 1) drafts.addFeature(new Feature({ geometry: lineOf(line), look: "route-open" }));
      else drafts.changed();
    },
    setDrawing(drawing) {
      stop();
      if (!drawing) return;
      const drawn = new Draw({ type: "LineString", style: lookOf(palette) });
      drawn.on("drawend", ({ feature }) => {
        const geometry = feature.getGeometry();
        if (geometry instanceof LineString) hooks.onDrawn(geometry.getCoordinates().map((at) => toLonLat(at) as LonLat));
      });
      draw = drawn;
      map.addInteraction(drawn);
    },
    fit,
    restyle() {
      palette = gridded();
      zoneLayer.setStyle(zoneStyler(palette, (zone) => hooks.zoneLabel(zone)));
      blind.restyle(palette);
      const fills = Array.from({ length: STEPS + 1 }, (_, step) => new Style({ fill: new Fill({ color: withAlpha(palette.notice, (CELL_ALPHA * step) / STEPS) }) }));
      seenLayer.setStyle((feature: FeatureLike) => fills[Number(feature.get("step"))]);
      lineLayer.setStyle(lookOf(palette));
      draftLayer.setStyle(lookOf(palette));
    },
    zoomBy(steps) {
      const view = map.getView();
      view.animate({ zoom: (view.getZoom() ?? HOME_ZOOM) + steps, duration: MOTION_MS });
    },
    destroy() {
      stop();
      map.setTarget();
      map.dispose();
    },
  };
  scene.restyle();
  return scene;
}

function labelOf(feature: FeatureLike): string {
  const label: unknown = feature.get("label");
  return typeof label === "string" ? label : "";
}

/** A track is a full line from a dot to a square; a route is dashed, gold on a dark edge, so that it stands out on light ground too;
    what was left out of it is dotted vermilion. */
function lookOf(palette: Palette): (feature: FeatureLike) => Style[] {
  const halo = (width: number): Style => new Style({ stroke: new Stroke({ color: palette.halo, width }) });
  const line = (color: string, width: number, lineDash?: number[]): Style => new Style({ stroke: new Stroke({ color, width, ...(lineDash === undefined ? {} : { lineDash }) }) });
  const fill = new Fill({ color: palette.text });
  const edge = new Stroke({ color: palette.halo, width: 2 });
  const name = (text: string): Style =>
    new Style({ text: new Text({ text, font: palette.font, placement: "line", textBaseline: "bottom", fill: new Fill({ color: palette.text }), stroke: new Stroke({ color: palette.halo, width: 3 }) }) });
  return (feature) => {
    switch (feature.get("look")) {
      case "track":
        return [halo(5), line(palette.notice, 2.5)];
      case "start":
        return [new Style({ image: new Circle({ radius: 5, fill, stroke: edge }) })];
      case "end":
        return [new Style({ image: new RegularShape({ points: 4, radius: 7, angle: Math.PI / 4, fill, stroke: edge }) })];
      case "gap":
        return [halo(6), line(palette.urgent, 4, [1, 7])];
      case "route":
        return [line(palette.edge, 3.5, [8, 5]), line(palette.accent, 1.5, [8, 5]), name(labelOf(feature))];
      default:
        return [line(palette.edge, 5, [10, 5]), line(palette.accent, 3, [10, 5]), name(labelOf(feature))];
    }
  };
}
