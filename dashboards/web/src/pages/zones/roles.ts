// Who may change zones, and who decides about what others propose. In: nothing. Out: roles, as the handlers ask for them.
export const EDITORS = ["zone_editor", "administrator"] as const;
export const DECIDERS = ["supervisor", "zone_editor", "administrator"] as const;
export const PROPOSAL_READERS = [...DECIDERS, "auditor"] as const;
