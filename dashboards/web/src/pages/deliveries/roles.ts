// Who may do what here; the server decides, this only says so beforehand. In: the session. Out: yes or no, and a sentence for no.
import { hasRole } from "../../pages";
import { t, word } from "../../prefs";
import { user } from "../../store";

const ROLES = {
  act: ["operator", "supervisor", "administrator"],
  lead: ["supervisor", "administrator"],
  read: ["supervisor", "administrator", "auditor"],
  /** What devices said may name an informant. */
  disclose: ["administrator", "auditor"],
  manage: ["administrator"],
} as const;
export type Right = keyof typeof ROLES;

export const may = (right: Right): boolean => hasRole(user.value, ROLES[right]);

/** Why a button is off: `需要角色：值班长、管理员`. */
export function roleHint(right: Right): string {
  return t("dlv_needs_role", { roles: ROLES[right].map((role) => word("role", role)).join(t("and")) });
}

/** For a button's title: nothing where it may be used. */
export const offBecause = (right: Right): string | undefined => (may(right) ? undefined : roleHint(right));
