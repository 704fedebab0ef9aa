// The audit as text: verbs, and what changed.
import { describe, expect, it } from "vitest";
import { auditPath } from "../src/pages/admin/api";
import { deedOf, differences } from "../src/pages/admin/audit-text";

describe("a deed", () => {
  it("is a verb and whom it was done to", () => {
    expect(deedOf("user.add li wei")).toEqual({ verb: "user.add", subject: "li wei" });
    expect(deedOf("session.open")).toEqual({ verb: "session.open", subject: "" });
  });
});

describe("differences", () => {
  it("are the fields that changed", () => {
    expect(differences({ roles: ["viewer"], disabled: false, townships: [] }, { roles: ["viewer", "operator"], disabled: false, townships: [] })).toEqual([
      { field: "roles", before: "viewer", after: "viewer, operator" },
    ]);
  });
  it("of something new are what it says", () => {
    expect(differences(null, { kind: "collar", model: null, external: [], cadence_s: 60 })).toEqual([
      { field: "kind", before: null, after: "collar" },
      { field: "cadence_s", before: null, after: "60" },
    ]);
  });
  it("of something else than an object are the whole", () => {
    expect(differences("a", "b")).toEqual([{ field: "", before: "a", after: "b" }]);
    expect(differences(null, null)).toEqual([]);
  });
});

describe("the question to the audit", () => {
  it("leaves out what is empty and means whole days", () => {
    expect(auditPath({ who: " admin ", what: "", since: "2026-12-30", until: "2026-12-31" }, null)).toBe(
      "/audit?limit=100&who=admin&since=2026-12-30&until=2027-01-01",
    );
    expect(auditPath({ who: "", what: "user.", since: "", until: "" }, "AAA")).toBe("/audit?limit=100&what=user.&cursor=AAA");
  });
});
