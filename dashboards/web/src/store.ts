// What the pages show. In: answers of `api.ts`, news of the live connection. Out: reactive state and the few commands.
// How news meets what is held is decided in `merge.ts`; this file only keeps, triggers and reports failures.
import { computed, ref, shallowRef } from "vue";
import { api } from "./api";
import { ApiError, keep, whenUnauthorized } from "./http";
import { isOffline, initialLive, type LiveState } from "./live";
import { liveConnection } from "./live-socket";
import { compareIncidents, extendTrail, herdsById, isActive, isNewlyUrgent, mergePositions, replaceAll, upsert } from "./merge";
import { noticesGoingOn, takeNotice } from "./notices";
import { t } from "./prefs";
import { refusalText } from "./refusals";
import { soundUrgent } from "./sound";
import type { Delivery, Device, Herd, Incident, LatLon, LiveEvent, Notice, Outcome, Position, Session, User, ZoneCollection } from "./types";

/** `unknown` until `GET /me` answered. */
export const user = ref<User | null | "unknown">("unknown");
export const sessionEnded = ref(false);
export const live = shallowRef<LiveState>(initialLive);
export const zones = shallowRef<ZoneCollection>({ type: "FeatureCollection", features: [] });
export const devices = shallowRef<ReadonlyMap<string, Device>>(new Map());
export const incidents = shallowRef<ReadonlyMap<string, Incident>>(new Map());
export const deliveries = shallowRef<ReadonlyMap<string, Delivery>>(new Map());
/** Those that go on. */
export const notices = shallowRef<ReadonlyMap<string, Notice>>(new Map());
export const herds = shallowRef<ReadonlyMap<string, Herd>>(new Map());
/** Not reactive, for there are many each second; `positionsVersion` tells when they changed. */
export const positions = new Map<string, Position>();
export const trails = new Map<string, LatLon[]>();
export const positionsVersion = ref(0);
export const newestPosition_ms = ref<number | null>(null);
export const loadError = ref<string | null>(null);
export const loaded = ref(false);
/** The server's time, moved once a second: every age on the page hangs on it. */
export const now = ref(Date.now());

export const offline = computed(() => isOffline(live.value));
export const sortedIncidents = computed(() => [...incidents.value.values()].sort(compareIncidents));
export const activeIncidents = computed(() => sortedIncidents.value.filter(isActive));
/** Township codes to names, as the imported jurisdictions say. */
export const townshipNames = computed(() => {
  const names = new Map<string, string>();
  for (const { properties } of zones.value.features)
    if (properties.kind === "jurisdiction" && properties.township) names.set(properties.township, properties.name);
  return names;
});

/**
 * Devices are listed anew this often: being late, silent or back online, and when one was last heard, is a matter of time and
 * mostly no news of the live stream. A fleet that takes long to list is asked for more rarely.
 */
const DEVICES_REFRESH_MS = 10_000;
const DEVICES_REFRESH_SHARE = 20;
let refreshTimer: ReturnType<typeof setTimeout> | undefined;

const touchedIncidents = new Set<string>();
const touchedNotices = new Set<string>();
const touchedDevices = new Set<string>();
let newestReload = 0;

export function reasonOf(cause: unknown): string {
  if (cause instanceof ApiError) return cause.status === 0 ? t("unreachable") : refusalText(cause);
  return cause instanceof Error ? cause.message : String(cause);
}

/** Runs a reload; what it fails with stands on the page until one succeeds. An answer that comes after logging out is dropped. */
async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
    loadError.value = null;
  } catch (cause) {
    if (!(cause instanceof ApiError && cause.status === 401)) loadError.value = reasonOf(cause);
  }
}

async function loadZones(): Promise<void> {
  const collection = await api.zones();
  if (user.value !== null) zones.value = collection;
}

async function loadDevices(): Promise<void> {
  touchedDevices.clear();
  const list = await api.devices();
  if (user.value !== null) devices.value = replaceAll(devices.value, list, touchedDevices);
}

async function refreshDevices(): Promise<void> {
  const asked_ms = Date.now();
  try {
    if (live.value.phase === "live" && !document.hidden) await loadDevices();
  } catch (cause) {
    // A server that does not answer is the heartbeat's to tell.
    if (!(cause instanceof ApiError && [0, 401].includes(cause.status))) loadError.value = reasonOf(cause);
  }
  if (typeof user.value === "string" || user.value === null) return;
  refreshLater((Date.now() - asked_ms) * DEVICES_REFRESH_SHARE);
}

function refreshLater(at_least_ms: number): void {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => void refreshDevices(), Math.max(DEVICES_REFRESH_MS, at_least_ms));
}

async function loadIncidents(): Promise<void> {
  touchedIncidents.clear();
  const list = await api.incidents();
  if (user.value !== null) incidents.value = replaceAll(incidents.value, list, touchedIncidents);
}

async function loadNotices(): Promise<void> {
  touchedNotices.clear();
  const list = await api.notices();
  if (user.value !== null) notices.value = noticesGoingOn(notices.value, list, touchedNotices);
}

export async function loadDeliveries(): Promise<void> {
  await guarded(async () => {
    const list = await api.deliveries();
    if (user.value !== null) deliveries.value = replaceAll(deliveries.value, list, new Set());
  });
}

/** Those of one case, also where they are older than what the list holds. */
export async function loadDeliveriesOf(incident: string): Promise<void> {
  await guarded(async () => {
    const list = await api.deliveriesOf(incident);
    if (user.value === null) return;
    const held = new Map(deliveries.value);
    for (const delivery of list) held.set(delivery.id, delivery);
    deliveries.value = held;
  });
}

export async function reloadAll(): Promise<void> {
  newestReload += 1;
  const mine = newestReload;
  await guarded(async () => {
    await Promise.all([loadZones(), loadDevices(), loadIncidents(), loadNotices()]);
  });
  if (mine === newestReload) loaded.value = true;
}

function takeIncident(incident: Incident): void {
  touchedIncidents.add(incident.id);
  incidents.value = upsert(incidents.value, incident, (held) => !isActive(held));
}

function takeEvent(event: LiveEvent): void {
  switch (event.kind) {
    case "incident":
      if (isNewlyUrgent(incidents.value.get(event.incident.id), event.incident)) soundUrgent(Date.now());
      takeIncident(event.incident);
      break;
    case "device":
      touchedDevices.add(event.device.id);
      devices.value = upsert(devices.value, event.device, () => false);
      break;
    case "notice":
      if (event.severity === "urgent" && !notices.value.has(event.notice.id)) soundUrgent(Date.now());
      touchedNotices.add(event.notice.id);
      notices.value = takeNotice(notices.value, event.notice);
      break;
    case "delivery":
      deliveries.value = upsert(deliveries.value, event.delivery, () => true);
      break;
    case "zones":
      void guarded(loadZones);
      break;
    case "devices":
      void guarded(loadDevices);
      break;
  }
}

function takePositions(items: Position[], list: Herd[]): void {
  for (const item of mergePositions(positions, items)) {
    newestPosition_ms.value = Math.max(newestPosition_ms.value ?? 0, item.ts);
    if (item.kind !== "drone") continue;
    const trail = trails.get(item.id) ?? [];
    extendTrail(trail, item);
    trails.set(item.id, trail);
  }
  herds.value = herdsById(list);
  positionsVersion.value += 1;
}

const connection = liveConnection({
  onState(state) {
    live.value = state;
  },
  onEvent: takeEvent,
  onPositions: takePositions,
  onReload() {
    void reloadAll();
  },
  onSuspectSession() {
    api.me().catch((cause: unknown) => {
      if (cause instanceof ApiError && cause.status === 401) endSession(true);
    });
  },
});

function endSession(byServer: boolean): void {
  if (user.value === null) return;
  connection.stop();
  clearTimeout(refreshTimer);
  sessionEnded.value = byServer && user.value !== "unknown";
  user.value = null;
  loaded.value = false;
  incidents.value = new Map();
  devices.value = new Map();
  deliveries.value = new Map();
  notices.value = new Map();
  herds.value = new Map();
  positions.clear();
  trails.clear();
}

function beginSession(who: User): void {
  sessionEnded.value = false;
  user.value = who;
  connection.start();
  refreshLater(0);
  // The page fills without waiting for the socket; the greeting loads once more, which closes the gap between the two.
  void reloadAll();
}

/** Asks once at the start whether the cookie still holds. */
export async function resumeSession(): Promise<void> {
  whenUnauthorized(() => {
    endSession(true);
  });
  setInterval(() => {
    now.value = Date.now() + live.value.offset_ms;
  }, 1_000);
  try {
    beginSession((await api.me()).user);
  } catch {
    user.value = null;
  }
}

export async function login(username: string, password: string, code: string | null = null): Promise<void> {
  beginSession((await api.login(username, password, code)).user);
}

/** A change to one's own account ends all sessions and begins this one anew. */
export function renewSession(session: Session): void {
  user.value = keep(session).user;
}

/** Without the server's word the cookie would stay valid behind a login page: then the desk stays open and says why. */
export async function logout(): Promise<void> {
  await guarded(async () => {
    await api.logout();
    endSession(false);
  });
}

/** Runs an incident command and takes the answer; asks again where the server answers without the incident. */
async function command(id: string, run: () => Promise<Incident | null>): Promise<void> {
  takeIncident((await run()) ?? (await api.incident(id)));
}

export const acknowledge = (id: string): Promise<void> => command(id, () => api.acknowledge(id));
export const dispatch = (id: string, to: string | null): Promise<void> => command(id, () => api.dispatch(id, to));
export const reopen = (id: string): Promise<void> => command(id, () => api.reopen(id));
export const resolve = (id: string, outcome: Outcome): Promise<void> => command(id, () => api.resolve(id, outcome));
export const comment = (id: string, text: string): Promise<void> => command(id, () => api.comment(id, text));
