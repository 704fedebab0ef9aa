// Which moving things are drawn and which of them are stale. In: positions, tracks, the registry, now. Out: marks' data.
// Pure. A collar that was never heard in this session stands where the registry last knew it.
import { parseTime } from "../format";
import type { Device, DeviceKind, LatLon, Position } from "../types";
import type { MoverData } from "./point-styles";

/** Two promised cadences: after that the place on the map is history. */
const STALE_AFTER_MS: Partial<Record<DeviceKind, number>> = { drone: 120_000, collar: 1_800_000 };

export interface Movers {
  drones: MoverData[];
  collars: MoverData[];
}

function registered(device: Device): Position | null {
  const last = device.last_position;
  const ts = parseTime(last?.ts);
  if (!last || ts === null) return null;
  return { id: device.id, kind: device.kind, lat: last.lat, lon: last.lon, ts };
}

export function moversOf(
  positions: ReadonlyMap<string, Position>,
  trails: ReadonlyMap<string, readonly LatLon[]>,
  devices: ReadonlyMap<string, Device>,
  now_ms: number,
): Movers {
  const known = new Map(positions);
  for (const device of devices.values()) {
    if (known.has(device.id)) continue;
    const position = registered(device);
    if (position !== null) known.set(device.id, position);
  }
  const movers: Movers = { drones: [], collars: [] };
  for (const position of known.values()) {
    const limit_ms = STALE_AFTER_MS[position.kind];
    if (limit_ms === undefined) continue;
    const stale = now_ms - position.ts > limit_ms;
    const data = { position, trail: trails.get(position.id) ?? [], trailCoordinates: [], stale };
    (position.kind === "drone" ? movers.drones : movers.collars).push(data);
  }
  return movers;
}
