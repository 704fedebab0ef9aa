// The small map on which a device is placed and turned. In: land, neighbours, how it is registered and how it would be. Out: a drawn map; where
// it was dragged, which way it was turned. Its registered look is dashed, the new one filled; the land around is dim.
import Feature from "ol/Feature";
import type MapBrowserEvent from "ol/MapBrowserEvent";
import OlMap from "ol/Map";
import View from "ol/View";
import ScaleLine from "ol/control/ScaleLine";
import type { Coordinate } from "ol/coordinate";
import { buffer, boundingExtent, type Extent } from "ol/extent";
import GeoJSON from "ol/format/GeoJSON";
import { Point } from "ol/geom";
import PointerInteraction from "ol/interaction/Pointer";
import { defaults as defaultInteractions } from "ol/interaction/defaults";
import VectorLayer from "ol/layer/Vector";
import VectorImageLayer from "ol/layer/VectorImage";
import { fromLonLat } from "ol/proj";
import VectorSource from "ol/source/Vector";
import { placeOf, unitsPerMetre } from "../../map/geometry";
import { regrid } from "../../map/graticule";
import { pointStyles } from "../../map/point-styles";
import { zoneStyler } from "../../map/zone-style";
import type { Device, LatLon, ZoneCollection, ZoneProperties } from "../../types";
import type { Setting } from "./pose-form";
import { HANDLE_PX, markFeatures, poseStyle } from "./pose-style";
import { placedReach } from "./view-ground";

/** What browser tests see of the map. */
export interface PoseProbe {
  zones: number;
  neighbours: number;
  /** Where the device and its handle are on the screen, pixels of the map; nothing while there is none. */
  devicePixel(): number[] | null;
  handlePixel(): number[] | null;
  /** Fulfilled when all of it is drawn. */
  drawn(): Promise<void>;
}

export interface PoseHooks {
  zoneLabel(zone: ZoneProperties): string;
  onPlace(place: LatLon): void;
  onYaw(yaw_deg: number): void;
  /** Whether a drag means anything at the moment. */
  isOpen(): boolean;
}

export interface PoseScene {
  probe: PoseProbe;
  setZones(zones: ZoneCollection): void;
  setNeighbours(devices: readonly Device[]): void;
  show(before: Setting, after: Setting): void;
  /** The device and the ground on which it gives places; with `whole` all that it sees. */
  fit(whole: boolean): void;
  restyle(): void;
  zoomBy(steps: number): void;
  destroy(): void;
}

const HOME: LatLon = { lat: 43.3, lon: 117.5 };
const HOME_ZOOM = 8.5;
const CLOSEST_ZOOM = 17;
/** The upper edge has the legend and the tools. */
const FIT_PADDING_PX = [96, 40, 40, 40];
const NEAR_M = 400;
/** Nearer to the edge than this, a device and its handle are hard to take hold of. */
const MARGIN_PX = 32;
const GRIP_PX = 14;
const DIM = 0.5;
const MOTION_MS = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150;

const at = ({ lat, lon }: LatLon): Coordinate => fromLonLat([lon, lat]);

export function createPoseScene(target: HTMLElement, hooks: PoseHooks): PoseScene {
  const zoneSource = new VectorSource();
  const near = new VectorSource();
  const marks = new VectorSource();
  const zoneLayer = new VectorImageLayer({ source: zoneSource, declutter: true, imageRatio: 1.5, opacity: DIM });
  const nearLayer = new VectorLayer({ source: near, opacity: DIM });
  const markLayer = new VectorLayer({ source: marks, updateWhileInteracting: true, updateWhileAnimating: true });
  const map = new OlMap({
    target,
    controls: [new ScaleLine({ units: "metric", minWidth: 80 })],
    interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, doubleClickZoom: false }),
    view: new View({ center: at(HOME), zoom: HOME_ZOOM, minZoom: 6, maxZoom: 19, enableRotation: false }),
    layers: [zoneLayer, nearLayer, markLayer],
  });
  const gridded = regrid(map);
  let shown: Setting = { place: null, pose: null };

  function devicePixel(): number[] | null {
    return shown.place === null ? null : map.getPixelFromCoordinate(at(shown.place));
  }
  function handlePixel(): number[] | null {
    const [x, y] = devicePixel() ?? [];
    if (x === undefined || y === undefined || shown.pose === null) return null;
    const yaw = (shown.pose.yaw_deg * Math.PI) / 180;
    return [x + HANDLE_PX * Math.sin(yaw), y - HANDLE_PX * Math.cos(yaw)];
  }
  const isNear = (one: number[] | null, [x = 0, y = 0]: number[]): boolean => one !== null && Math.hypot((one[0] ?? 0) - x, (one[1] ?? 0) - y) <= GRIP_PX;
  /** The handle lies over the device where both are within reach. */
  function gripAt(pixel: number[]): "turn" | "move" | null {
    if (!hooks.isOpen()) return null;
    if (isNear(handlePixel(), pixel)) return "turn";
    return isNear(devicePixel(), pixel) ? "move" : null;
  }

  let grip: "turn" | "move" | null = null;
  const drag = new PointerInteraction({
    handleDownEvent(event: MapBrowserEvent) {
      grip = gripAt(event.pixel);
      return grip !== null;
    },
    handleDragEvent(event: MapBrowserEvent) {
      if (grip === "move") hooks.onPlace(placeOf(event.coordinate));
      else if (shown.place !== null) {
        // On the Mercator plane an angle is the true one.
        const [x = 0, y = 0] = at(shown.place);
        const [toX = 0, toY = 0] = event.coordinate;
        hooks.onYaw(((Math.atan2(toX - x, toY - y) * 180) / Math.PI + 360) % 360);
      }
    },
    handleUpEvent() {
      grip = null;
      return false;
    },
    handleMoveEvent(event: MapBrowserEvent) {
      target.classList.toggle("grip", !event.dragging && gripAt(event.pixel) !== null);
    },
  });
  map.addInteraction(drag);
  map.on("click", (event) => {
    if (hooks.isOpen() && gripAt(event.pixel) === null) hooks.onPlace(placeOf(event.coordinate));
  });

  function around({ place, pose }: Setting, whole: boolean): Extent | null {
    if (place === null) return null;
    const reach_m = pose === null ? NEAR_M : placedReach(pose.height_m);
    const box = buffer(boundingExtent([at(place)]), Math.max(NEAR_M, reach_m) * unitsPerMetre(place.lat));
    if (!whole) return box;
    const ground = marks.getExtent();
    return ground ?? box;
  }

  const scene: PoseScene = {
    probe: {
      zones: 0,
      neighbours: 0,
      devicePixel,
      handlePixel,
      drawn: () =>
        new Promise((resolve) => {
          const next = (): void => {
            map.once("rendercomplete", () => {
              if (map.getView().getAnimating()) next();
              else requestAnimationFrame(() => { resolve(); });
            });
            map.render();
          };
          next();
        }),
    },
    setZones(zones) {
      zoneSource.clear(true);
      zoneSource.addFeatures(new GeoJSON().readFeatures(zones, { featureProjection: "EPSG:3857" }));
      scene.probe.zones = zones.features.length;
    },
    setNeighbours(devices) {
      const features = devices.flatMap((device) => (device.place ? [new Feature({ geometry: new Point(at(device.place)), data: device })] : []));
      near.clear(true);
      near.addFeatures(features);
      scene.probe.neighbours = features.length;
    },
    show(before, after) {
      shown = after;
      marks.clear(true);
      marks.addFeatures(markFeatures(before, after));
      // A place that was typed may lie outside the picture; one that is dragged stays under the hand.
      const [x = 0, y = 0] = devicePixel() ?? [];
      const [width = 0, height = 0] = map.getSize() ?? [];
      const isOut = x < MARGIN_PX || y < MARGIN_PX || x > width - MARGIN_PX || y > height - MARGIN_PX;
      if (after.place !== null && grip === null && isOut) map.getView().setCenter(at(after.place));
    },
    fit(whole) {
      map.updateSize();
      const extent = around(shown, whole);
      if (extent !== null) map.getView().fit(extent, { padding: FIT_PADDING_PX, maxZoom: CLOSEST_ZOOM, duration: MOTION_MS });
    },
    restyle() {
      const palette = gridded();
      zoneLayer.setStyle(zoneStyler(palette, (zone) => hooks.zoneLabel(zone)));
      const points = pointStyles(palette, () => "", () => false);
      nearLayer.setStyle((feature, resolution) => ((feature.get("data") as Device).kind === "camera" ? points.camera(feature, resolution) : points.station(feature)));
      markLayer.setStyle(poseStyle(palette));
    },
    zoomBy(steps) {
      const view = map.getView();
      view.animate({ zoom: (view.getZoom() ?? HOME_ZOOM) + steps, duration: MOTION_MS });
    },
    destroy() {
      map.setTarget();
      map.dispose();
    },
  };
  scene.restyle();
  return scene;
}
