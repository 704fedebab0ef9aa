// What only the desk asks of the server. In: calls of its components. Out: typed answers of `http.ts`.
import { getAll, send } from "../../http";
import type { Instant, Mask } from "../../types";

/** More people are on no county's list. */
const NAMES_MAX = 1_000;

/** A part of a camera's view that is to be ignored, once somebody says so. */
export interface MaskProposal {
  id: number;
  device: string;
  area: Mask["area"];
  state: string;
  incident: string;
  times: number;
  to: Instant | null;
}

export const masksOf = (incident: string): Promise<MaskProposal[]> => getAll<MaskProposal>("/masks", NAMES_MAX, 1, `incident=${encodeURIComponent(incident)}`);

export async function applyMask(id: number, reason: string, days: number): Promise<void> {
  await send("POST", `/masks/${id}/apply`, { reason, days });
}

export async function declineMask(id: number, reason: string): Promise<void> {
  await send("POST", `/masks/${id}/decline`, { reason });
}

/** Whom a case could be given to: names of subscribers and of those on duty tables. For supervisors and administrators. */
export async function peopleToSend(): Promise<string[]> {
  const [subscribers, rosters] = await Promise.all([getAll<{ name: string }>("/subscribers", NAMES_MAX, 1), getAll<{ name: string }>("/rosters", NAMES_MAX, 1)]);
  return [...new Set([...rosters, ...subscribers].map(({ name }) => name))].sort((a, b) => a.localeCompare(b, "zh"));
}
