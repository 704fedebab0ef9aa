// The layer of land that nobody watches. In: how much of each closed zone was watched within the week, and the cells of one zone.
// Out: a veil that is the heavier the less was seen; the cells of the zone that was picked, those not seen for a week veiled alone.
import Feature, { type FeatureLike } from "ol/Feature";
import { fromExtent } from "ol/geom/Polygon";
import VectorImageLayer from "ol/layer/VectorImage";
import { transformExtent } from "ol/proj";
import VectorSource from "ol/source/Vector";
import { Fill, Style, Text } from "ol/style";
import type { CellRow } from "../types";
import { withAlpha, type Palette } from "./palette";

/** The veil where nothing was seen. */
const VEIL_ALPHA = 0.55;
/** Steps of the veil: a style for each, not one for each zone. */
const STEPS = 10;
/** From about 1:400,000 on there is room for a figure. */
const LABEL_RESOLUTION_MAX = 120;
const WEEK_MS = 7 * 86_400_000;

export interface BlindLayer {
  layer: VectorImageLayer;
  /** Of each closed zone the part that was watched within the week, 0 to 1; zones that are not named are not veiled. */
  setWatched(zones: VectorSource, shares: ReadonlyMap<string, number>): number;
  /** The cells of one zone in place of its veil. */
  setCells(zone: string | null, rows: readonly CellRow[], now_ms: number): void;
  restyle(palette: Palette): void;
}

export function blindLayer(): BlindLayer {
  const source = new VectorSource();
  const layer = new VectorImageLayer({ source, declutter: true, imageRatio: 1.5, visible: false });
  let zoneInCells: string | null = null;
  let cells: Feature[] = [];

  function veilOf(share: number): number {
    return Math.round(Math.min(1, Math.max(0, 1 - share)) * STEPS);
  }

  return {
    layer,
    setWatched(zones, shares) {
      const veils: Feature[] = [];
      for (const [id, share] of shares) {
        if (id === zoneInCells) continue;
        const geometry = zones.getFeatureById(id)?.getGeometry();
        if (geometry === undefined) continue;
        const veil = new Feature(geometry);
        veil.set("step", veilOf(share), true);
        veil.set("label", `${Math.round(share * 100)} %`, true);
        veils.push(veil);
      }
      source.clear(true);
      source.addFeatures([...veils, ...cells]);
      return shares.size;
    },
    setCells(zone, rows, now_ms) {
      zoneInCells = zone;
      cells = rows.map(([south, west, north, east, , last_ms]) => {
        const cell = new Feature(fromExtent(transformExtent([west, south, east, north], "EPSG:4326", "EPSG:3857")));
        const age = last_ms === null ? 1 : Math.min(1, Math.max(0, (now_ms - last_ms) / WEEK_MS));
        cell.set("step", Math.round(age * STEPS), true);
        return cell;
      });
    },
    restyle(palette) {
      const veils = Array.from({ length: STEPS + 1 }, (_, step) => {
        return new Style({ fill: new Fill({ color: withAlpha(palette.muted, (VEIL_ALPHA * step) / STEPS) }) });
      });
      layer.setStyle((feature: FeatureLike, resolution: number) => {
        const veil = veils[Number(feature.get("step"))];
        const label = feature.get("label") as string | undefined;
        const styles = veil === undefined ? [] : [veil];
        if (label === undefined || resolution >= LABEL_RESOLUTION_MAX) return styles;
        return [...styles, new Style({ text: new Text({ text: label, font: palette.font, fill: new Fill({ color: palette.text }), offsetY: -10 }) })];
      });
    },
  };
}
