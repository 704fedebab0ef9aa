// How uncertain a place is, as a ring on the Mercator plane. In: axes and a bearing. Out: map coordinates.
import type { Coordinate } from "ol/coordinate";

/** The axes of an uncertainty, one standard deviation each, and where the long one points, clockwise from north. */
export interface Ellipse {
  along_m: number;
  across_m: number;
  bearing_deg: number;
}

const ELLIPSE_STEPS = 48;

/** A ring around `centre`, its long axis clockwise from north. */
export function ellipse(centre: Coordinate, along: number, across: number, bearing_deg: number): Coordinate[] {
  const [x = 0, y = 0] = centre;
  const [sin, cos] = [Math.sin((bearing_deg * Math.PI) / 180), Math.cos((bearing_deg * Math.PI) / 180)];
  const ring: Coordinate[] = [];
  for (let index = 0; index <= ELLIPSE_STEPS; index += 1) {
    const angle = (2 * Math.PI * index) / ELLIPSE_STEPS;
    const [ahead, aside] = [along * Math.cos(angle), across * Math.sin(angle)];
    ring.push([x + ahead * sin + aside * cos, y + ahead * cos - aside * sin]);
  }
  return ring;
}

/** How far such a ring reaches to the north of its centre. */
export function reachNorth(along: number, across: number, bearing_deg: number): number {
  const bearing = (bearing_deg * Math.PI) / 180;
  return Math.hypot(along * Math.cos(bearing), across * Math.sin(bearing));
}
