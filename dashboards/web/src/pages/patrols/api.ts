// What the page of patrols asks of the server. In: calls of the page. Out: typed answers of `http.ts`.
import { get, getAll, send } from "../../http";
import type { CellRow, Page } from "../../types";
import type { Coverage, Duty, NewRoute, Patrol, PatrolDetail, RouteFeature } from "./types";

const PATROLS_LIMIT = 200;
/** What a person looks through; of more the page says that it is not all. */
const PATROL_PAGES_MAX = 2;
export const PATROLS_MAX = PATROLS_LIMIT * PATROL_PAGES_MAX;

export interface PatrolFilter {
  from_ms: number;
  device: string;
  township: string;
}

export const patrolsApi = {
  patrols({ from_ms, device, township }: PatrolFilter): Promise<Patrol[]> {
    const filter = new URLSearchParams({ from: new Date(from_ms).toISOString(), device, township });
    return getAll<Patrol>("/patrols", PATROLS_LIMIT, PATROL_PAGES_MAX, filter.toString());
  },
  patrol: (id: string): Promise<PatrolDetail> => get<PatrolDetail>(`/patrols/${encodeURIComponent(id)}`),
  duties: async (): Promise<Duty[]> => (await get<Page<Duty>>("/patrols/duties")).items,
  routes: async (): Promise<RouteFeature[]> => (await get<{ features: RouteFeature[] }>("/patrols/routes")).features,
  plan: (route: NewRoute): Promise<unknown> => send("POST", "/patrols/routes", route),
  remove: (id: string): Promise<unknown> => send("DELETE", `/patrols/routes/${encodeURIComponent(id)}`),
  coverage: (): Promise<Coverage> => get<Coverage>("/coverage"),
  cells: async (zone: string): Promise<CellRow[]> => (await get<{ cells: { rows: CellRow[] } }>(`/coverage?cells=true&zone=${encodeURIComponent(zone)}`)).cells.rows,
};
