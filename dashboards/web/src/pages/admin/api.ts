// What only administration asks of the server. In: calls of the page. Out: typed answers of `http.ts`.
import { get, getAll, send } from "../../http";
import type { Device, Page } from "../../types";
import type { AuditChain, AuditEntry, AuditQuery, FactorOffer, NewDevice, NewPerson, NewToken, Person, PersonEdit, Renewed, Token } from "./types";

const LIST_LIMIT = 1_000;
const AUDIT_LIMIT = 100;

const person = (username: string): string => `/users/${encodeURIComponent(username)}`;

/** The query of a page of the audit; legal dates are the server's to read, the last day included. */
export function auditPath(query: AuditQuery, cursor: string | null): string {
  const asked = new URLSearchParams({ limit: String(AUDIT_LIMIT) });
  for (const [name, value] of Object.entries(query) as [keyof AuditQuery, string][]) {
    const text = value.trim();
    if (text !== "") asked.set(name, name === "until" ? dayAfter(text) : text);
  }
  if (cursor !== null) asked.set("cursor", cursor);
  return `/audit?${asked.toString()}`;
}

/** The server's end is excluded; people mean the whole day. */
function dayAfter(date: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime())) return date;
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

export const adminApi = {
  people: (): Promise<Person[]> => getAll<Person>("/users", LIST_LIMIT, 1),
  addPerson: (body: NewPerson): Promise<Person | null> => send<Person>("POST", "/users", body),
  editPerson: (username: string, body: PersonEdit): Promise<Person | null> => send<Person>("PATCH", person(username), body),
  removeFactorOf: (username: string): Promise<null> => send<null>("DELETE", `${person(username)}/second-factor`),

  tokens: (): Promise<Token[]> => getAll<Token>("/tokens", LIST_LIMIT, 1),
  addToken: (body: NewToken): Promise<(Token & { token: string }) | null> => send("POST", "/tokens", body),
  revokeToken: (id: number): Promise<null> => send<null>("DELETE", `/tokens/${id}`),

  addDevice: (body: NewDevice): Promise<{ id: string; secret: string } | null> => send("POST", "/devices", body),
  renewSecret: (id: string): Promise<{ id: string; secret: string } | null> => send("POST", `/devices/${encodeURIComponent(id)}/secret`),
  deviceCommand: (id: string, verb: "approve" | "disable" | "enable"): Promise<Device | null> =>
    send<Device>("POST", `/devices/${encodeURIComponent(id)}/${verb}`),

  audit: (query: AuditQuery, cursor: string | null): Promise<Page<AuditEntry>> => get<Page<AuditEntry>>(auditPath(query, cursor)),
  chain: (): Promise<AuditChain> => get<AuditChain>("/audit/chain"),

  setPassword: (current: string, next: string): Promise<Renewed | null> => send<Renewed>("PUT", "/me/password", { current, new: next }),
  offerFactor: (password: string): Promise<FactorOffer | null> => send<FactorOffer>("POST", "/me/second-factor", { password }),
  confirmFactor: (code: string): Promise<Renewed | null> => send<Renewed>("POST", "/me/second-factor/confirm", { code }),
  removeFactor: (password: string): Promise<Renewed | null> => send<Renewed>("DELETE", "/me/second-factor", { password }),
};
