// The map of this page. In: zones, changes to show, what is drawn. Out: what was clicked, a border as it is drawn.
// The only file here that knows OpenLayers' map; looks of zones are the desk's, looks of changes are in `change-style.ts`.
import Feature from "ol/Feature";
import OlMap from "ol/Map";
import View from "ol/View";
import ScaleLine from "ol/control/ScaleLine";
import { createEmpty, extend, isEmpty } from "ol/extent";
import GeoJSON from "ol/format/GeoJSON";
import { Point } from "ol/geom";
import { defaults as defaultInteractions } from "ol/interaction/defaults";
import VectorLayer from "ol/layer/Vector";
import VectorImageLayer from "ol/layer/VectorImage";
import { fromLonLat, toLonLat } from "ol/proj";
import VectorSource from "ol/source/Vector";
import { regrid } from "../../map/graticule";
import { pick } from "../../map/pick";
import type { MapProbe } from "../../map/scene";
import { zoneStyler } from "../../map/zone-style";
import type { LatLon, ZoneFeature, ZoneProperties } from "../../types";
import { borderEditor, type BorderEditor } from "./border-editor";
import { changeFeatures, changeStyles, placeStyle, selectedStyle } from "./change-style";
import type { Change, Geometry } from "./types";

export interface ZoneSceneHooks {
  label(zone: ZoneProperties): string;
  onPick(id: string | null, place: LatLon): void;
}

export interface ZoneScene {
  setZones(zones: readonly ZoneFeature[]): void;
  select(id: string | null): void;
  /** Shows changes over the land that is there, which fades meanwhile. */
  showChanges(changes: readonly Change[]): void;
  showPlace(place: LatLon | null): void;
  /** Draws a new border, or moves one that is there; one at a time. */
  edit(start: Geometry | null, onChange: (border: Geometry | null) => void): BorderEditor;
  restyle(): void;
  zoomBy(steps: number): void;
  fitAll(): void;
  fit(geometries: readonly Geometry[]): void;
  destroy(): void;
}

const HOME: LatLon = { lat: 43.3, lon: 117.5 };
const HOME_ZOOM = 8.5;
const CLOSEST_ZOOM = 15;
const FIT_PADDING_PX = 48;
/** Land that is only there for comparison. */
const FADED = 0.35;
const QUIET_FRAMES = 3;
const MOTION_MS = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150;
const FORMAT = new GeoJSON({ featureProjection: "EPSG:3857", dataProjection: "EPSG:4326" });

export function createZoneScene(target: HTMLElement, hooks: ZoneSceneHooks): { scene: ZoneScene; probe: MapProbe } {
  const zoneSource = new VectorSource();
  const zoneLayer = new VectorImageLayer({ source: zoneSource, declutter: true, imageRatio: 1.5 });
  const selection = new VectorLayer({ source: new VectorSource() });
  const changes = new VectorLayer({ source: new VectorSource() });
  const places = new VectorLayer({ source: new VectorSource() });
  const map = new OlMap({
    target,
    controls: [new ScaleLine({ units: "metric", minWidth: 80 })],
    interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, doubleClickZoom: false }),
    view: new View({ center: fromLonLat([HOME.lon, HOME.lat]), zoom: HOME_ZOOM, minZoom: 6, maxZoom: 18, enableRotation: false }),
    layers: [zoneLayer, selection, changes, places],
  });
  const gridded = regrid(map);
  let editor: BorderEditor | null = null;
  let selected: string | null = null;
  const counts: MapProbe = { zones: 0, blind: 0, cameras: 0, stations: 0, others: 0, collars: 0, herds: 0, drones: 0, incidents: 0, places: () => ({}), drawn: () => drawn(map) };

  map.on("singleclick", (event) => {
    if (editor !== null) return;
    const [lon = 0, lat = 0] = toLonLat(event.coordinate);
    hooks.onPick(pick(map, event.pixel, [], zoneSource)?.id ?? null, { lat, lon });
  });

  function fitTo(features: readonly Feature[]): void {
    const extent = createEmpty();
    for (const feature of features) extend(extent, feature.getGeometry()?.getExtent() ?? createEmpty());
    if (isEmpty(extent)) return;
    map.getView().fit(extent, { padding: [FIT_PADDING_PX, FIT_PADDING_PX, FIT_PADDING_PX, FIT_PADDING_PX], maxZoom: CLOSEST_ZOOM, duration: MOTION_MS });
  }
  function drawSelection(): void {
    const found = selected === null ? null : zoneSource.getFeatureById(selected);
    selection.getSource()?.clear(true);
    if (found instanceof Feature) selection.getSource()?.addFeature(new Feature(found.getGeometry()));
  }

  const scene: ZoneScene = {
    setZones(zones) {
      const features = FORMAT.readFeatures({ type: "FeatureCollection", features: zones });
      for (const feature of features) feature.setId(String(feature.get("id")));
      zoneSource.clear(true);
      zoneSource.addFeatures(features);
      counts.zones = features.length;
      drawSelection();
    },
    select(id) {
      selected = id;
      drawSelection();
    },
    showChanges(list) {
      const source = changes.getSource();
      source?.clear(true);
      source?.addFeatures(list.flatMap((change) => changeFeatures(change, FORMAT)));
      zoneLayer.setOpacity(list.length > 0 ? FADED : 1);
      selection.setVisible(list.length === 0 && editor === null);
    },
    showPlace(place) {
      places.getSource()?.clear(true);
      if (place !== null) places.getSource()?.addFeature(new Feature(new Point(fromLonLat([place.lon, place.lat]))));
    },
    edit(start, onChange) {
      editor?.stop();
      selection.setVisible(false);
      const started = borderEditor(map, zoneSource, start, FORMAT, onChange);
      editor = {
        undo() {
          started.undo();
        },
        stop() {
          started.stop();
          editor = null;
          selection.setVisible(true);
        },
      };
      return editor;
    },
    restyle() {
      const palette = gridded();
      zoneLayer.setStyle(zoneStyler(palette, (zone) => hooks.label(zone)));
      selection.setStyle(selectedStyle(palette));
      changes.setStyle(changeStyles(palette));
      places.setStyle(placeStyle(palette));
    },
    zoomBy(steps) {
      const view = map.getView();
      view.animate({ zoom: (view.getZoom() ?? HOME_ZOOM) + steps, duration: MOTION_MS });
    },
    fitAll() {
      fitTo(zoneSource.getFeatures());
    },
    fit(geometries) {
      fitTo(geometries.map((geometry) => new Feature(FORMAT.readGeometry(geometry) ?? undefined)));
    },
    destroy() {
      editor?.stop();
      map.setTarget();
      map.dispose();
    },
  };
  scene.restyle();
  return { scene, probe: counts };
}

/** Fulfilled when nothing moves the view any more and all of it is drawn. */
function drawn(map: OlMap): Promise<void> {
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
