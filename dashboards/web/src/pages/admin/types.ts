// What administration asks and answers, as it is on the wire. In: JSON. Out: types only, no code.
import type { DeviceKind, Instant, LatLon, Session, User } from "../../types";

export const ROLES = ["viewer", "operator", "supervisor", "zone_editor", "administrator", "auditor"] as const;

/** Somebody as the list of people shows them. */
export type Person = Required<User>;

/** What is to be other about somebody; what is not given stays. */
export interface PersonEdit {
  password?: string;
  roles?: string[];
  townships?: string[];
  disabled?: boolean;
}

export interface NewPerson {
  username: string;
  password: string;
  roles: string[];
  townships: string[];
}

export interface Token {
  id: number;
  name: string;
  username: string;
  roles: string[];
  expires_at: Instant;
  made_at: Instant;
  state: "valid" | "expired" | "revoked";
}

export interface NewToken {
  name: string;
  username?: string;
  roles: string[];
  /** Like `90d`. */
  expires: string;
}

export interface NewDevice {
  id: string;
  kind: DeviceKind;
  site?: string;
  township?: string;
  place?: LatLon;
  cadence?: string;
}

export interface AuditEntry {
  seq: number;
  at: Instant;
  who: string;
  /** A verb and what it was done to: `user.add li`. */
  what: string;
  before: unknown;
  after: unknown;
  address: string | null;
}

export interface AuditChain {
  holds: boolean;
  entries: number | null;
  broken_at: number | null;
}

/** Which entries of the audit are wanted; empty texts are no condition. */
export interface AuditQuery {
  who: string;
  what: string;
  since: string;
  until: string;
}

/** A secret for an authenticator, in both ways to take it over. */
export interface FactorOffer {
  secret: string;
  uri: string;
}

/** What a change to one's own account answers: the session is a new one. */
export type Renewed = Session;
