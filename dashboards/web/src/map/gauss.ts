// Survey coordinates: CGCS2000 in 3-degree Gauss-Krueger zones. In: a place in WGS84, which CGCS2000 is taken for. Out: zone, EPSG code,
// northing and easting. The arithmetic is proj4's, loaded when somebody first points at the map.
import type { LatLon } from "../types";

const FIRST_MERIDIAN_DEG = 75;
const LAST_MERIDIAN_DEG = 135;
/** The zone of 75 degrees east, without the zone's number before the easting. */
const FIRST_EPSG = 4_534;
const ZONE_DEG = 3;

export interface GaussZone {
  zone: number;
  meridian_deg: number;
  epsg: number;
}

/** `null` outside the zones that China uses. */
export function gaussZone(lon: number): GaussZone | null {
  const zone = Math.round(lon / ZONE_DEG);
  const meridian_deg = zone * ZONE_DEG;
  if (meridian_deg < FIRST_MERIDIAN_DEG || meridian_deg > LAST_MERIDIAN_DEG) return null;
  return { zone, meridian_deg, epsg: FIRST_EPSG + (meridian_deg - FIRST_MERIDIAN_DEG) / ZONE_DEG };
}

export interface Gauss extends GaussZone {
  /** Northing, as surveyors here call X. */
  x_m: number;
  /** Easting with 500 km added, as surveyors here call Y. */
  y_m: number;
}

export async function gaussOf({ lat, lon }: LatLon): Promise<Gauss | null> {
  const zone = gaussZone(lon);
  if (zone === null) return null;
  const { default: proj4 } = await import("proj4");
  // GRS 80 and the ellipsoid of CGCS2000 are the same to a tenth of a millimetre.
  const [easting, northing] = proj4(`+proj=tmerc +lat_0=0 +lon_0=${zone.meridian_deg} +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs`, [lon, lat]);
  return { ...zone, x_m: northing, y_m: easting };
}
