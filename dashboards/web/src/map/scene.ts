// The map itself. In: a target element and what the store holds. Out: a drawn scene, what the pointer is on, and counts.
// The only file that knows OpenLayers' map object; it holds no state of its own beyond what is drawn.
import type Feature from "ol/Feature";
import OlMap from "ol/Map";
import View from "ol/View";
import ScaleLine from "ol/control/ScaleLine";
import { createEmpty, extend, isEmpty } from "ol/extent";
import GeoJSON from "ol/format/GeoJSON";
import { defaults as defaultInteractions } from "ol/interaction/defaults";
import VectorLayer from "ol/layer/Vector";
import VectorImageLayer from "ol/layer/VectorImage";
import { fromLonLat, toLonLat } from "ol/proj";
import VectorSource from "ol/source/Vector";
import type { CellRow, Device, Herd, Incident, LatLon, ZoneCollection, ZoneProperties } from "../types";
import { blindLayer } from "./blind";
import { cluster, placeOf, thin } from "./geometry";
import { regrid } from "./graticule";
import { measuring, type Measured, type MeasureKind } from "./measure";
import { readPalette } from "./palette";
import { pick, type Candidates, type ObjectRef } from "./pick";
import { pointStyles, type MoverData } from "./point-styles";
import { pulses } from "./pulses";
import { syncPoints, type Mark, type PointFeature } from "./sync";
import { zoneStyler } from "./zone-style";

export const LAYERS = ["zones", "blind", "cameras", "stations", "others", "collars", "herds", "drones", "incidents"] as const;
export type LayerName = (typeof LAYERS)[number];
/** How many of each kind the map shows; 0 for a layer that is switched off. */
export type MapCounts = Record<LayerName, number>;
/** What browser tests see of the map. */
export type MapProbe = MapCounts & {
  /** Where the marks of a layer stand now. */
  places(layer: LayerName): Record<string, [lon: number, lat: number]>;
  /** Fulfilled when nothing moves the view any more and all of it is drawn. */
  drawn(): Promise<void>;
};

export interface SceneHooks {
  herdLabel(herd: Herd): string;
  zoneLabel(zone: ZoneProperties): string;
  isSelected(incidentId: string): boolean;
  onHover(ref: ObjectRef | null): void;
  onPick(ref: ObjectRef | null): void;
  /** Where the pointer is, and whether it was clicked there. */
  onPointer?(place: LatLon, clicked: boolean): void;
}

export interface Scene {
  setZones(zones: ZoneCollection): void;
  /** Of each closed zone the part that was watched within the week, and the cells of one zone. */
  setWatched(shares: ReadonlyMap<string, number>, cells: { zone: string; rows: readonly CellRow[] } | null, now_ms: number): void;
  setDevices(devices: Iterable<Device>): void;
  setMovers(drones: readonly MoverData[], collars: readonly MoverData[]): void;
  setHerds(herds: Iterable<Herd>): void;
  setIncidents(incidents: readonly Incident[]): void;
  setVisible(layer: LayerName, visible: boolean): void;
  /** Colours or language changed: everything is styled anew. */
  restyle(): void;
  /** Another incident is selected: only the incidents are drawn anew. */
  reselect(): void;
  zoomBy(steps: number): void;
  /** All that is drawn, to the right of what covers the left edge. */
  fitAll(covered_px: number): void;
  goTo(place: LatLon): void;
  /** Lets the operator draw what is to be measured; `null` ends it and takes the drawing away. */
  measure(kind: MeasureKind | null, tell: (measured: Measured | null) => void): void;
  destroy(): void;
}

/** The middle of Hexigten Banner, until there is something to fit to. */
const HOME: LatLon = { lat: 43.3, lon: 117.5 };
const HOME_ZOOM = 8.5;
const DETAIL_ZOOM = 13;
const THIN_PX = 3;
const FIT_PADDING_PX = 32;
const QUIET_FRAMES = 3;
const MOTION_MS = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150;

/** Closer than this each incident stands for itself: about 1:200,000. */
const CLUSTER_RESOLUTION_MIN = 60;
const CLUSTER_PX = 32;

const at = (place: LatLon): number[] => fromLonLat([place.lon, place.lat]);

export function createScene(target: HTMLElement, hooks: SceneHooks): { scene: Scene; probe: MapProbe } {
  const held: MapCounts = { zones: 0, blind: 0, cameras: 0, stations: 0, others: 0, collars: 0, herds: 0, drones: 0, incidents: 0 };
  const counts: MapCounts = { ...held };
  const zoneSource = new VectorSource();
  // Drawn to a picture half as large again as the view and moved as one: panning land of 100,000 vertices with hatches
  // went from 17 to 47 frames per second without a GPU.
  const zoneLayer = new VectorImageLayer({ source: zoneSource, declutter: true, imageRatio: 1.5 });
  const points = {
    cameras: pointLayer(),
    stations: pointLayer(),
    others: pointLayer(),
    collars: pointLayer(),
    herds: pointLayer(true),
    drones: pointLayer(),
    incidents: pointLayer(),
  };
  const blind = blindLayer();
  const layers: Record<LayerName, VectorLayer | VectorImageLayer> = { zones: zoneLayer, blind: blind.layer, ...points };
  const scale = new ScaleLine({ units: "metric", minWidth: 80 });
  const map = new OlMap({
    target,
    controls: [scale],
    interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false }),
    view: new View({ center: at(HOME), zoom: HOME_ZOOM, minZoom: 6, maxZoom: 18, enableRotation: false }),
    layers: LAYERS.map((name) => layers[name]),
  });
  const gridded = regrid(map);
  const rings = pulses(map);
  const ruler = measuring(map);
  let openIncidents: readonly Incident[] = [];
  let collarMarks: Mark<MoverData>[] = [];

  function count(name: LayerName, drawn: number): void {
    held[name] = drawn;
    counts[name] = layers[name].getVisible() ? drawn : 0;
  }
  function put<T>(name: Exclude<LayerName, "zones" | "blind">, marks: readonly Mark<T>[]): void {
    syncPoints(sourceOf(points[name]), marks);
    count(name, marks.length);
  }
  function drawCollars(): void {
    const cell = (map.getView().getResolution() ?? 1) * THIN_PX;
    syncPoints(sourceOf(points.collars), thin(collarMarks, (mark) => mark.at, cell));
    count("collars", collarMarks.length);
  }
  /** Seen from afar what stands close together is one mark with a count. */
  function drawIncidents(): void {
    const resolution = map.getView().getResolution() ?? 1;
    const cell = resolution > CLUSTER_RESOLUTION_MIN ? resolution * CLUSTER_PX : 0;
    const groups = cluster(openIncidents, (incident) => at(incident.position), cell);
    const marks = groups.map(({ first, count: together }) => ({ id: first.id, at: at(first.position), data: together > 1 ? { ...first, together } : first }));
    syncPoints(sourceOf(points.incidents), marks);
    count("incidents", openIncidents.length);
  }
  function candidates(): Candidates[] {
    const order = [
      ["incidents", "incident"],
      ["drones", "device"],
      ["cameras", "device"],
      ["stations", "device"],
      ["others", "device"],
      ["herds", "herd"],
      ["collars", "device"],
    ] as const;
    return order.filter(([name]) => layers[name].getVisible()).map(([name, kind]) => ({ kind, source: sourceOf(points[name]) }));
  }
  const under = (pixel: number[]): ObjectRef | null => pick(map, pixel, candidates(), zoneLayer.getVisible() ? zoneSource : null);

  let frame = 0;
  map.on("pointermove", (event) => {
    if (event.dragging) return;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      if (!ruler.isOn()) hooks.onHover(under(event.pixel));
      hooks.onPointer?.(placeOf(event.coordinate), false);
    });
  });
  map.on("singleclick", (event) => {
    if (ruler.isOn()) return;
    hooks.onPick(under(event.pixel));
    hooks.onPointer?.(placeOf(event.coordinate), true);
  });
  map.on("moveend", () => {
    drawCollars();
    drawIncidents();
  });

  const scene: Scene = {
    setZones(zones) {
      const features = new GeoJSON().readFeatures(zones, { featureProjection: "EPSG:3857" }) as Feature[];
      for (const feature of features) feature.setId(String(feature.get("id")));
      zoneSource.clear(true);
      zoneSource.addFeatures(features);
      count("zones", features.length);
    },
    setWatched(shares, cells, now_ms) {
      blind.setCells(cells?.zone ?? null, cells?.rows ?? [], now_ms);
      count("blind", blind.setWatched(zoneSource, shares));
    },
    setDevices(devices) {
      const marks: Record<"cameras" | "stations" | "others", Mark<Device>[]> = { cameras: [], stations: [], others: [] };
      for (const device of devices) {
        const place = device.place ?? device.last_position;
        if (!place || device.kind === "drone" || device.kind === "collar") continue;
        const name = device.kind === "camera" ? "cameras" : device.kind === "station" ? "stations" : "others";
        marks[name].push({ id: device.id, at: at(place), data: device });
      }
      put("cameras", marks.cameras);
      put("stations", marks.stations);
      put("others", marks.others);
    },
    setMovers(drones, collars) {
      const mark = (data: MoverData): Mark<MoverData> => ({ id: data.position.id, at: at(data.position), data });
      for (const drone of drones) drone.trailCoordinates = drone.trail.map(at);
      put("drones", drones.map(mark));
      collarMarks = collars.map(mark);
      drawCollars();
    },
    setHerds(herds) {
      put("herds", Array.from(herds, (herd) => ({ id: herd.id, at: at(herd), data: herd })));
    },
    setIncidents(incidents) {
      openIncidents = incidents;
      drawIncidents();
      rings.show(points.incidents.getVisible() ? incidents : []);
    },
    setVisible(name, visible) {
      layers[name].setVisible(visible);
      counts[name] = visible ? held[name] : 0;
      if (name === "incidents") rings.show(visible ? openIncidents : []);
    },
    restyle() {
      const palette = gridded();
      zoneLayer.setStyle(zoneStyler(palette, (zone) => hooks.zoneLabel(zone)));
      blind.restyle(palette);
      const styles = pointStyles(palette, (herd) => hooks.herdLabel(herd), (id) => hooks.isSelected(id));
      points.cameras.setStyle(styles.camera);
      points.stations.setStyle(styles.station);
      points.others.setStyle(styles.other);
      points.collars.setStyle(styles.collar);
      points.herds.setStyle(styles.herd);
      points.drones.setStyle(styles.drone);
      points.incidents.setStyle(styles.incident);
    },
    reselect() {
      points.incidents.changed();
    },
    zoomBy(steps) {
      const view = map.getView();
      view.animate({ zoom: (view.getZoom() ?? HOME_ZOOM) + steps, duration: MOTION_MS });
    },
    fitAll(covered_px) {
      const extent = createEmpty();
      for (const name of LAYERS) {
        const part = layers[name].getSource()?.getExtent();
        if (part !== undefined && part !== null && !isEmpty(part)) extend(extent, part);
      }
      if (!isEmpty(extent)) map.getView().fit(extent, { padding: [FIT_PADDING_PX, 56, FIT_PADDING_PX, FIT_PADDING_PX + covered_px], maxZoom: DETAIL_ZOOM, duration: MOTION_MS });
    },
    goTo(place) {
      const zoom = Math.max(map.getView().getZoom() ?? 0, DETAIL_ZOOM - 1);
      map.getView().animate({ center: at(place), zoom, duration: MOTION_MS });
    },
    measure(kind, tell) {
      hooks.onHover(null);
      ruler.start(kind, readPalette(target), tell);
    },
    destroy() {
      cancelAnimationFrame(frame);
      map.setTarget();
      map.dispose();
    },
  };
  scene.restyle();
  function places(layer: LayerName): Record<string, [number, number]> {
    if (layer === "zones" || layer === "blind") return {};
    return Object.fromEntries(
      sourceOf(points[layer]).getFeatures().map((feature) => {
        const [lon = 0, lat = 0] = toLonLat(feature.getGeometry()?.getCoordinates() ?? []);
        return [String(feature.getId()), [lon, lat]] as const;
      }),
    );
  }
  function drawn(): Promise<void> {
    // After the view came to rest the zones' picture is made anew, and only the next frame shows it.
    return new Promise((resolve) => {
      let quietFrames = 0;
      function look(): void {
        quietFrames = map.getView().getAnimating() ? 0 : quietFrames + 1;
        if (quietFrames > QUIET_FRAMES) resolve();
        else next();
      }
      function next(): void {
        map.once("rendercomplete", () => requestAnimationFrame(look));
        map.render();
      }
      next();
    });
  }
  return { scene, probe: Object.assign(counts, { places, drawn }) };
}

function pointLayer(declutter = false): VectorLayer<VectorSource<PointFeature>> {
  return new VectorLayer({ source: new VectorSource<PointFeature>(), updateWhileInteracting: false, declutter });
}

function sourceOf(layer: VectorLayer<VectorSource<PointFeature>>): VectorSource<PointFeature> {
  const source = layer.getSource();
  if (source === null) throw new Error("a point layer always has its source");
  return source;
}
