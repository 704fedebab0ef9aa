// What the server says in one language or in two, told in the reader's.
import { describe, expect, it } from "vitest";
import { ownHalf, reasonText } from "../src/server-words";

describe("reasons", () => {
  it("are told in the chosen language, each of them", () => {
    const text = "already inside when the closure began; 3 sightings inside within 5 minutes";
    expect(reasonText(text, "zh")).toBe("封闭开始时已在区内；5 分钟内在区内观测到 3 次");
    expect(reasonText(text, "en")).toBe(text);
    expect(reasonText("collar c-7 stayed inside for 10 minutes", "zh")).toBe("项圈 c-7 在区内停留 10 分钟");
  });
  it("that are not known stay as they came", () => {
    expect(reasonText("a satellite saw it", "zh")).toBe("a satellite saw it");
  });
});

describe("a rule's name", () => {
  it("is halved where Chinese is followed by English", () => {
    expect(ownHalf("禁牧区全年禁牧 no-grazing zone, all year", "zh")).toBe("禁牧区全年禁牧");
    expect(ownHalf("禁牧区全年禁牧 no-grazing zone, all year", "en")).toBe("no-grazing zone, all year");
  });
  it("stays whole where it is in one language or mixed", () => {
    for (const name of ["围栏修复期", "spring rest", "A 区禁牧", "禁牧 north 北", ""]) expect(ownHalf(name, "en")).toBe(name);
  });
});
