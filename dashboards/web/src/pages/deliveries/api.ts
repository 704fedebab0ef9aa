// What this page asks of the server. In: calls of its tabs. Out: typed answers of `http.ts`.
import { get, getAll, send } from "../../http";
import type { Page } from "../../types";
import type { DeadLetter, DeliveryRow, Message, Roster, Shift, Subscriber, SubscriberBody, WholeLetter } from "./types";

/** Deliveries in one answer: as many as are drawn at once. */
export const DELIVERIES_LIMIT = 300;
const LIST_LIMIT = 1_000;
/** The interface keeps 100,000 dead letters and gives the newest first; beyond so many pages nobody reads. */
const LETTER_PAGES_MAX = 20;

const one = (id: string): string => `/subscribers/${encodeURIComponent(id)}`;

export const tellingApi = {
  deliveries(state: string, cursor: string | null): Promise<Page<DeliveryRow>> {
    const after = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return get<Page<DeliveryRow>>(`/deliveries?limit=${DELIVERIES_LIMIT}&state=${state}${after}`);
  },
  /** The delivery as it stands then, or as it was where the effect is still on its way. */
  retry: (id: string): Promise<DeliveryRow | null> => send<DeliveryRow>("POST", `/deliveries/${encodeURIComponent(id)}/retry`),
  retryAll: (subscriber: string | null): Promise<null> => send<null>("POST", "/deliveries/retry", { subscriber }),

  subscribers: async (): Promise<Subscriber[]> => (await get<Page<Subscriber>>("/subscribers")).items,
  add: (body: SubscriberBody): Promise<Subscriber | null> => send<Subscriber>("POST", "/subscribers", body),
  replace: (id: string, body: SubscriberBody): Promise<Subscriber | null> => send<Subscriber>("PUT", one(id), body),
  switch: (id: string, on: boolean): Promise<Subscriber | null> => send<Subscriber>("POST", `${one(id)}/${on ? "enable" : "disable"}`),
  renewSecret: (id: string): Promise<Subscriber | null> => send<Subscriber>("POST", `${one(id)}/secret`),
  test: (id: string): Promise<null> => send<null>("POST", `${one(id)}/test`),
  remove: (id: string): Promise<null> => send<null>("DELETE", one(id)),

  rosters: async (): Promise<Roster[]> => (await get<Page<Roster>>("/rosters")).items,
  setRoster: (name: string, shifts: Shift[]): Promise<Roster | null> => send<Roster>("PUT", `/rosters/${encodeURIComponent(name)}`, { shifts }),
  removeRoster: (name: string): Promise<null> => send<null>("DELETE", `/rosters/${encodeURIComponent(name)}`),

  messages: async (): Promise<Message[]> => (await get<Page<Message>>("/messages")).items,
  preview: (name: string, text: string): Promise<Message | null> => send<Message>("POST", "/messages/preview", { name, text }),

  letters: (): Promise<DeadLetter[]> => getAll<DeadLetter>("/dead-letters", LIST_LIMIT, LETTER_PAGES_MAX),
  letter: (id: string): Promise<WholeLetter> => get<WholeLetter>(`/dead-letters/${encodeURIComponent(id)}`),
  replay: (id: string): Promise<{ id: string; offset: number } | null> => send("POST", `/dead-letters/${encodeURIComponent(id)}/replay`),
  drill: (zone: string): Promise<null> => send<null>("POST", "/drills", { zone }),
};
