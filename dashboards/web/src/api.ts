// The HTTP interface. In: calls of the pages. Out: typed answers, or an ApiError with the server's own sentence.
// The CSRF token lives only in this module's memory; the session cookie is the browser's.
import type { CellRow, Delivery, Device, Incident, Notice, Outcome, Page, Session, Snapshot, ZoneCollection, ZoneLoad, ZoneWatch } from "./types";

const BASE = "/api/v1";
/** Longer than any sane answer; a hung request must not look like a quiet steppe. */
const REQUEST_TIMEOUT_MS = 15_000;
const INCIDENT_LIMIT = 200;
/** The most the interface gives at once. */
const LIST_LIMIT = 1_000;
/** Pages followed before giving up: 20,000 devices are more than a table shows. */
const PAGES_MAX = 20;
/** Five pages of incidents: what `merge.ts` keeps. */
const INCIDENT_PAGES_MAX = 5;

/** What went wrong: status 0 means that the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Where a kept picture is; its name is the hash of its content. */
export const snapshotUrl = (hash: string): string => `${BASE}/snapshots/${encodeURIComponent(hash)}`;

let csrf = "";
let onUnauthorized: () => void = () => undefined;

/** Called once by the store: what to do when the session has ended. */
export function whenUnauthorized(handler: () => void): void {
  onUnauthorized = handler;
}

async function problemOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { title?: string; detail?: string };
    return problem.detail ?? problem.title ?? `HTTP ${response.status}`;
  } catch {
    return `HTTP ${response.status}`;
  }
}

async function request(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf !== "") headers["X-CSRF-Token"] = csrf;
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (cause) {
    throw new ApiError(0, cause instanceof Error ? cause.message : "network");
  }
  if (response.ok) return response;
  const isLogin = path === "/session" || path === "/me";
  if (response.status === 401 && !isLogin) onUnauthorized();
  throw new ApiError(response.status, await problemOf(response));
}

async function get<T>(path: string): Promise<T> {
  const response = await request("GET", path);
  return (await response.json()) as T;
}

async function getAll<T>(path: string, limit: number, pages: number, filter = ""): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < pages; page += 1) {
    const query = `?${filter}&limit=${limit}` + (cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`);
    const answer: Page<T> = await get<Page<T>>(path + query);
    items.push(...answer.items);
    cursor = answer.next ?? null;
    if (cursor === null) break;
  }
  return items;
}

function keep(session: Session): Session {
  csrf = session.csrf;
  return session;
}

/** An answer of the incident commands: the new incident if the server sends it. */
async function command(id: string, verb: string, body: unknown): Promise<Incident | null> {
  const response = await request("POST", `/incidents/${encodeURIComponent(id)}/${verb}`, body);
  const text = await response.text();
  if (text === "") return null;
  const answer = JSON.parse(text) as Partial<Incident>;
  return answer.id === id && answer.status !== undefined ? (answer as Incident) : null;
}

export const api = {
  async login(username: string, password: string): Promise<Session> {
    const response = await request("POST", "/session", { username, password });
    return keep((await response.json()) as Session);
  },
  me: async (): Promise<Session> => keep(await get<Session>("/me")),
  async logout(): Promise<void> {
    await request("DELETE", "/session");
    csrf = "";
  },
  incidents: (): Promise<Incident[]> => getAll<Incident>("/incidents", INCIDENT_LIMIT, INCIDENT_PAGES_MAX),
  incident: (id: string): Promise<Incident> => get<Incident>(`/incidents/${encodeURIComponent(id)}`),
  snapshots: async (id: string): Promise<Snapshot[]> =>
    (await get<Page<Snapshot>>(`/incidents/${encodeURIComponent(id)}/snapshots`)).items,
  notices: (): Promise<Notice[]> => getAll<Notice>("/notices", LIST_LIMIT, 1, "state=going_on"),
  noticesOver: (): Promise<Notice[]> => getAll<Notice>("/notices", INCIDENT_LIMIT, 1, "state=over"),
  coverage: async (): Promise<ZoneWatch[]> => (await get<Page<ZoneWatch>>("/coverage")).items,
  cells: async (zone: string): Promise<CellRow[]> =>
    (await get<{ cells: { rows: CellRow[] } }>(`/coverage?cells=true&zone=${encodeURIComponent(zone)}`)).cells.rows,
  zones: (): Promise<ZoneCollection> => get<ZoneCollection>("/zones"),
  zoneLoads: async (): Promise<ZoneLoad[]> => (await get<Page<ZoneLoad>>("/zones/loads")).items,
  devices: (): Promise<Device[]> => getAll<Device>("/devices", LIST_LIMIT, PAGES_MAX),
  deliveries: async (): Promise<Delivery[]> => (await get<Page<Delivery>>("/deliveries?limit=500")).items,
  acknowledge: (id: string): Promise<Incident | null> => command(id, "acknowledge", {}),
  dispatch: (id: string): Promise<Incident | null> => command(id, "dispatch", {}),
  resolve: (id: string, outcome: Outcome): Promise<Incident | null> => command(id, "resolve", { outcome }),
  comment: (id: string, text: string): Promise<Incident | null> => command(id, "comment", { text }),
};
