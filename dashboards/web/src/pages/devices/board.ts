// The devices as a table and as a board. In: devices. Out: counts by kind and health, and an order. Pure.
import { parseTime } from "../../format";
import type { Device, DeviceKind, Health } from "../../types";

/** The worst first. */
export const HEALTH_ORDER: readonly Health[] = ["faulty", "silent", "late", "never_seen", "online", "maintenance", "disabled"];
const KINDS: readonly DeviceKind[] = ["camera", "drone", "station", "collar", "gateway", "ranger"];

export interface KindCount {
  kind: DeviceKind;
  total: number;
  /** Only those that there are, the worst first. */
  healths: { health: Health; count: number }[];
}

export function countByKind(devices: Iterable<Device>): KindCount[] {
  const found = new Map<DeviceKind, Map<Health, number>>();
  for (const { kind, health } of devices) {
    const counts = found.get(kind) ?? new Map<Health, number>();
    counts.set(health, (counts.get(health) ?? 0) + 1);
    found.set(kind, counts);
  }
  return KINDS.flatMap((kind) => {
    const counts = found.get(kind);
    if (counts === undefined) return [];
    const healths = HEALTH_ORDER.flatMap((health) => (counts.has(health) ? [{ health, count: counts.get(health) ?? 0 }] : []));
    return [{ kind, total: healths.reduce((sum, one) => sum + one.count, 0), healths }];
  });
}

export const SORTS = ["id", "kind", "health", "last_seen", "battery"] as const;
export type SortKey = (typeof SORTS)[number];

/** Orders by one column; what is unknown stands last in both directions, ids settle ties. */
export function compareBy(key: SortKey, down: boolean): (a: Device, b: Device) => number {
  const value = (device: Device): number | string | null => {
    if (key === "health") return HEALTH_ORDER.indexOf(device.health);
    if (key === "last_seen") return parseTime(device.last_seen);
    if (key === "battery") return device.battery_percent ?? null;
    return key === "kind" ? KINDS.indexOf(device.kind) : device.id;
  };
  return (a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null) || a.id.localeCompare(b.id);
    const order = typeof left === "string" ? left.localeCompare(String(right)) : left - Number(right);
    return (down ? -order : order) || a.id.localeCompare(b.id);
  };
}
