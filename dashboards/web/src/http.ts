// How the pages ask. In: a path and a body. Out: typed answers, or an ApiError with the server's own sentence.
// The CSRF token lives only in this module's memory; the session cookie is the browser's.
import type { Page, Session } from "./types";

export const BASE = "/api/v1";
/** Longer than any sane answer; a hung request must not look like a quiet steppe. */
const REQUEST_TIMEOUT_MS = 15_000;
/** A county's zones with every bend, read and compared. */
const UPLOAD_TIMEOUT_MS = 300_000;

/** What went wrong: status 0 means that the server was not reached. Its message is the server's own sentence, in English. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The last word of the server's name for it: `code-needed`. */
    readonly kind = "",
    /** Which refusal exactly; none where the kind says all. */
    readonly code = "",
    /** What that refusal is about. */
    readonly params: Readonly<Record<string, string | number>> = {},
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** `application/problem+json`, as far as it is read here. */
interface Problem {
  type?: string;
  title?: string;
  detail?: string;
  code?: string;
  params?: Record<string, string | number>;
}

let csrf = "";
let onUnauthorized: () => void = () => undefined;

/** Called once by the store: what to do when the session has ended. */
export function whenUnauthorized(handler: () => void): void {
  onUnauthorized = handler;
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const { type = "", title, detail, code, params } = (await response.json()) as Problem;
    return new ApiError(response.status, detail ?? title ?? `HTTP ${response.status}`, type.split(":").pop(), code, params);
  } catch {
    return new ApiError(response.status, `HTTP ${response.status}`);
  }
}

/** A JSON body, or a file of a form. */
export async function request(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const isFile = body instanceof FormData;
  if (body !== undefined && !isFile) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf !== "") headers["X-CSRF-Token"] = csrf;
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: AbortSignal.timeout(isFile ? UPLOAD_TIMEOUT_MS : REQUEST_TIMEOUT_MS) };
  if (body !== undefined) init.body = isFile ? body : JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (cause) {
    throw new ApiError(0, cause instanceof Error ? cause.message : "network");
  }
  if (response.ok) return response;
  const isLogin = path === "/session" || path === "/me";
  if (response.status === 401 && !isLogin) onUnauthorized();
  throw await problemOf(response);
}

export async function get<T>(path: string): Promise<T> {
  const response = await request("GET", path);
  return (await response.json()) as T;
}

/** A change; what the server answers, or `null` where it says nothing. */
export async function send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T | null> {
  const text = await (await request(method, path, body)).text();
  return text === "" ? null : (JSON.parse(text) as T);
}

/** All items of a list, page by page, as far as `pages`. */
export async function getAll<T>(path: string, limit: number, pages: number, filter = ""): Promise<T[]> {
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

export function keep(session: Session): Session {
  csrf = session.csrf;
  return session;
}

export function forget(): void {
  csrf = "";
}
