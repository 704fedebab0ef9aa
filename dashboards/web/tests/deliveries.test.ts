// Telling people: which deliveries are listed, what a receiver's form sends, how a duty table stands in a week.
import { describe, expect, it } from "vitest";
import { newDrill } from "../src/pages/deliveries/drills";
import { pairMessages } from "../src/pages/deliveries/message-pairs";
import { compareReceivers, newTest } from "../src/pages/deliveries/receivers";
import { barsOf, copyWeek, DAY_MS, dutyOf, firstGap, legalParts, midnight, onDutyAt, shiftOf, spansOf, typedShift, weekOf } from "../src/pages/deliveries/roster-week";
import { alertWord, ANSWER_MAX, cutAnswer, filterRows, hexDump, mergeRows, receiversOf } from "../src/pages/deliveries/rows";
import { bodyOf, emptyFields, faultsOf, fieldOfRefusal, fieldsOf, parseAfter } from "../src/pages/deliveries/subscriber-form";
import type { DeliveryRow, Subscriber } from "../src/pages/deliveries/types";
import type { Incident } from "../src/types";

function row(id: string, fields: Partial<DeliveryRow> = {}): DeliveryRow {
  return { id, state: "delivered", attempts: 1, at: "2026-04-22T01:00:00Z", subscriber: "s-1", subscriber_name: "镇政府", channel: "webhook", ...fields };
}
const held = (...rows: DeliveryRow[]): Map<string, DeliveryRow> => new Map(rows.map((one) => [one.id, one]));
const at = (text: string): number => Date.parse(`${text}:00+08:00`);

describe("deliveries", () => {
  it("are listed newest first, the later word of each", () => {
    const asked = held(row("a", { state: "pending" }), row("b", { state: "delivered", at: "2026-04-22T03:00:00Z" }));
    const live = held(row("a", { state: "delivered", at: "2026-04-22T02:00:00Z" }), row("b", { state: "pending", at: "2026-04-22T02:30:00Z" }));
    expect(mergeRows(asked, live).map(({ id, state }) => `${id} ${state}`)).toEqual(["b delivered", "a delivered"]);
  });
  it("are found by state, way and receiver", () => {
    const rows = [row("a"), row("b", { state: "dead" }), row("c", { channel: "sms", subscriber: "s-2", subscriber_name: "王所长" })];
    const found = (state: string, channel: string, receiver: string): string => filterRows(rows, { state, channel, receiver }).map(({ id }) => id).join("");
    expect([found("", "", ""), found("dead", "", ""), found("", "sms", ""), found("", "", "s-1")]).toEqual(["abc", "b", "c", "ab"]);
    expect(receiversOf(rows).map(({ id }) => id).sort()).toEqual(["s-1", "s-2"]);
  });
  it("name their alert as the dictionary does, and cut long answers", () => {
    expect(alertWord("steppewatch.delivery.half_reported")).toBe("delivery_half_reported");
    expect(cutAnswer("x".repeat(ANSWER_MAX + 1))).toHaveLength(ANSWER_MAX + 1);
    expect(cutAnswer(" 204 ")).toBe("204");
  });
});

describe("a receiver's form", () => {
  const subscriber: Subscriber = {
    ...{ id: "s-1", name: "值班群", channel: "dingtalk", url: "https://oapi.dingtalk.com/robot/send", language: "zh", severity: "warning" },
    ...{ events: [], townships: ["150425200"], zones: [], zone_kinds: [], land_classes: [], authorities: [], after: "120m" },
  };
  it("keeps a robot's address and secret when nothing is typed", () => {
    const body = bodyOf(fieldsOf(subscriber));
    expect(body).toEqual({
      ...{ name: "值班群", channel: "dingtalk", language: "zh", events: [], townships: ["150425200"], zones: [], zone_kinds: [] },
      ...{ land_classes: [], authorities: [], severity: "warning", quiet: "none", after: "2h" },
    });
  });
  it("sends a half of the dual report without delay or quiet hours, and a listener no land", () => {
    const fields = { ...emptyFields("sms"), name: "林草局", phone: "13900000000", after: "15", duty: "forestry_authority" as const };
    expect(bodyOf(fields)).toMatchObject({ duty: "forestry_authority", quiet: "none" });
    expect(bodyOf(fields)).not.toHaveProperty("after");
    expect(bodyOf({ ...emptyFields("mqtt"), name: "大屏", zones: ["z-1"] }).zones).toEqual([]);
  });
  it("finds faults before asking", () => {
    expect(faultsOf(emptyFields("webhook"), false)).toEqual({ name: "receiver_fault_name", url: "receiver_fault_url" });
    expect(faultsOf({ ...emptyFields("sms"), name: "王所长", quiet_until: "6:00", after: "x" }, true)).toEqual({ after: "receiver_fault_after", quiet: "receiver_fault_quiet" });
  });
  it("puts a refusal beside its field", () => {
    expect(["phone `1` is refused; use 11 digits", "field `url` is missing; webhook needs", "event `x` is none; use a"].map(fieldOfRefusal)).toEqual(["phone", "url", "events"]);
    expect(fieldOfRefusal("registry is busy: another process holds its write lock")).toBeNull();
  });
  it("reads times as they were written", () => {
    expect([parseAfter("15m"), parseAfter("30s"), parseAfter(null)].map(({ after, after_unit }) => after + after_unit)).toEqual(["15m", "30s", "m"]);
  });
  it("lists those that fail first, and finds the try that was just sent", () => {
    const health = { state: "failing" as const, pending: 1, dead: 0 };
    const list = [{ ...subscriber, id: "off", off: "by admin" }, subscriber, { ...subscriber, id: "ill", health }];
    expect(list.sort(compareReceivers).map(({ id }) => id)).toEqual(["ill", "s-1", "off"]);
    const tried = [row("old", { type: "steppewatch.test" }), row("new", { type: "steppewatch.test" }), row("case", { type: "steppewatch.incident.opened" })];
    expect(newTest(tried, "s-1", new Set(["old"]))?.id).toBe("new");
  });
});

describe("a duty table", () => {
  const monday = at("2026-04-20T00:00");
  const night = shiftOf("w", at("2026-04-20T20:00"), at("2026-04-21T08:00"));
  const day = shiftOf("l", at("2026-04-20T08:00"), at("2026-04-20T20:00"));
  it("begins its week on Monday, in legal time", () => {
    expect([weekOf(at("2026-04-20T00:00")), weekOf(at("2026-04-26T23:59")), midnight(at("2026-04-21T07:00"))]).toEqual([monday, monday, at("2026-04-21T00:00")]);
  });
  it("draws a night shift on both of its days", () => {
    const bars = (from: number): string[] => barsOf(spansOf([day, night]), "w", from).map(({ text }) => text);
    expect([bars(monday), bars(monday + DAY_MS), bars(monday + 2 * DAY_MS)]).toEqual([["20:00–24:00"], ["00:00–08:00"], []]);
  });
  it("writes into a bar what fits", () => {
    const label = (from: string, until: string): string | undefined => barsOf(spansOf([shiftOf("w", at(from), at(until))]), "w", monday)[0]?.label;
    expect([label("2026-04-20T08:00", "2026-04-20T16:00"), label("2026-04-20T20:00", "2026-04-21T00:00"), label("2026-04-20T08:00", "2026-04-20T09:00")]).toEqual(["08:00–16:00", "20", ""]);
  });
  it("says who is on duty, the end excluded, and when nobody follows", () => {
    expect([onDutyAt([day, night], at("2026-04-20T19:59")), onDutyAt([day, night], at("2026-04-20T20:00"))]).toEqual([["l"], ["w"]]);
    expect(firstGap([night, day], at("2026-04-20T09:00"))).toBe(at("2026-04-21T08:00"));
    expect(firstGap([shiftOf("w", monday, monday + 20 * DAY_MS)], monday)).toBeNull();
  });
  it("that has nobody on duty silences nobody", () => {
    const table = { name: "值班", shifts: [day, night] };
    expect(dutyOf([{ ...table, on_duty: ["l"] }], "w")).toBe(false);
    expect(dutyOf([{ ...table, on_duty: [] }], "w")).toBe(true);
    expect(dutyOf([{ ...table, on_duty: ["l"] }], "somebody else")).toBeNull();
  });
  it("is copied to the next week once", () => {
    const once = copyWeek([day, night], monday);
    expect(once).toHaveLength(4);
    expect(copyWeek(once, monday)).toHaveLength(4);
  });
  it("takes a shift as it was typed, over midnight and over days", () => {
    expect(typedShift("w", "2026-04-20", "20:00", "08:00", 0)).toEqual(night);
    expect(typedShift("w", "2026-04-20", "00:00", "24:00", 0)).toEqual(shiftOf("w", monday, monday + DAY_MS));
    expect([typedShift("w", "20 April", "20:00", "08:00", 0), typedShift("w", "2026-04-20", "25:00", "08:00", 0), typedShift("", "2026-04-20", "08:00", "20:00", 0), typedShift("w", "2026-04-20", "08:00", "20:00", 40)]).toEqual([null, null, null, null]);
    expect(legalParts(monday)).toEqual({ date: "2026-04-20", time: "00:00" });
  });
});

describe("messages and drills", () => {
  it("are told apart by language, and by what was there before", () => {
    const message = (name: string) => ({ name, text: "", is_own: false, says: [] });
    const [pair] = pairMessages([message("incident.opened.zh"), message("incident.opened.en")]);
    expect([pair?.about, pair?.zh?.name, pair?.en?.name]).toEqual(["incident.opened", "incident.opened.zh", "incident.opened.en"]);
    const drill = (id: string, zone: string): Incident =>
      ({ id, drill: true, zones: [{ id: zone, name: zone }], first_seen: "2026-04-22T01:00:00Z" }) as unknown as Incident;
    const incidents = [drill("drill-1", "z-1"), drill("drill-2", "z-1"), drill("drill-3", "z-2")];
    expect(newDrill(incidents, "z-1", new Set(["drill-1"]))?.id).toBe("drill-2");
  });
});

describe("bytes that were not understood", () => {
  it("are shown as a dump of places, bytes and letters, and only their beginning", () => {
    expect(hexDump(btoa("{\u0000\u00ff}"))).toBe(`0000  ${"7b 00 ff 7d".padEnd(47)}  {··}`);
    expect(hexDump(btoa("x".repeat(1_000))).split("\n")).toHaveLength(16);
    expect(hexDump("")).toBe("");
  });
});
