// What the desk asks of the server. In: calls of the store and the pages. Out: typed answers of `http.ts`.
// What only one page asks stands in that page's own `api.ts`.
import { BASE, forget, get, getAll, keep, request, send } from "./http";
import type { CellRow, Delivery, Device, Incident, Notice, Outcome, Page, Session, Snapshot, ZoneCollection, ZoneLoad, ZoneWatch } from "./types";

/** Notices that are over, the newest. */
const OVER_LIMIT = 200;
/** The most the interface gives at once. */
const LIST_LIMIT = 1_000;
/** Pages followed before giving up: 20,000 devices are more than a table shows. */
const PAGES_MAX = 20;
/** Ten pages of incidents: what `merge.ts` keeps. */
const INCIDENT_PAGES_MAX = 10;

/** What the login page offers: the office's own identity provider, where there is one. */
export interface LoginWays {
  password: boolean;
  provider: { name: string; url: string } | null;
}

/** Where a kept picture is; its name is the hash of its content. */
export const snapshotUrl = (hash: string): string => `${BASE}/snapshots/${encodeURIComponent(hash)}`;

/** Everything of a case as one file. */
export const bundleUrl = (incident: string): string => `${BASE}/incidents/${encodeURIComponent(incident)}/bundle`;

/** An answer of the incident commands: the new incident if the server sends it. */
async function command(id: string, verb: string, body: unknown): Promise<Incident | null> {
  const answer = await send<Partial<Incident>>("POST", `/incidents/${encodeURIComponent(id)}/${verb}`, body);
  return answer?.id === id && answer.status !== undefined ? (answer as Incident) : null;
}

export const api = {
  /** The `code` is of an authenticator, where somebody has one. */
  async login(username: string, password: string, code: string | null): Promise<Session> {
    const response = await request("POST", "/session", { username, password, ...(code === null ? {} : { code }) });
    return keep((await response.json()) as Session);
  },
  ways: (): Promise<LoginWays> => get<LoginWays>("/login-ways"),
  me: async (): Promise<Session> => keep(await get<Session>("/me")),
  async logout(): Promise<void> {
    await request("DELETE", "/session");
    forget();
  },
  incidents: (): Promise<Incident[]> => getAll<Incident>("/incidents", LIST_LIMIT, INCIDENT_PAGES_MAX),
  incident: (id: string): Promise<Incident> => get<Incident>(`/incidents/${encodeURIComponent(id)}`),
  snapshots: async (id: string): Promise<Snapshot[]> =>
    (await get<Page<Snapshot>>(`/incidents/${encodeURIComponent(id)}/snapshots`)).items,
  notices: (): Promise<Notice[]> => getAll<Notice>("/notices", LIST_LIMIT, 1, "state=going_on"),
  noticesOver: (): Promise<Notice[]> => getAll<Notice>("/notices", OVER_LIMIT, 1, "state=over"),
  coverage: async (): Promise<ZoneWatch[]> => (await get<Page<ZoneWatch>>("/coverage")).items,
  cells: async (zone: string): Promise<CellRow[]> =>
    (await get<{ cells: { rows: CellRow[] } }>(`/coverage?cells=true&zone=${encodeURIComponent(zone)}`)).cells.rows,
  zones: (): Promise<ZoneCollection> => get<ZoneCollection>("/zones"),
  zoneLoads: async (): Promise<ZoneLoad[]> => (await get<Page<ZoneLoad>>("/zones/loads")).items,
  devices: (): Promise<Device[]> => getAll<Device>("/devices", LIST_LIMIT, PAGES_MAX),
  deliveriesOf: (incident: string): Promise<Delivery[]> => getAll<Delivery>("/deliveries", LIST_LIMIT, 1, `incident=${encodeURIComponent(incident)}`),
  deliveries: async (): Promise<Delivery[]> => (await get<Page<Delivery>>("/deliveries?limit=500")).items,
  acknowledge: (id: string): Promise<Incident | null> => command(id, "acknowledge", {}),
  /** Without a name: to whom enforces there. */
  dispatch: (id: string, to: string | null): Promise<Incident | null> => command(id, "dispatch", to === null ? {} : { to }),
  resolve: (id: string, outcome: Outcome): Promise<Incident | null> => command(id, "resolve", { outcome }),
  reopen: (id: string): Promise<Incident | null> => command(id, "reopen", {}),
  comment: (id: string, text: string): Promise<Incident | null> => command(id, "comment", { text }),
};
