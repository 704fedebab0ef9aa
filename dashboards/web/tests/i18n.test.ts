// Both languages say the same things.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { en } from "../src/i18n/en";
import { translate, translateWord } from "../src/i18n/translate";
import { zh, type MessageKey } from "../src/i18n/zh";

const keys = Object.keys(zh) as MessageKey[];
/** Names in their own language on purpose: they say what a click leads to. */
const IN_THE_OTHER_LANGUAGE = new Set(["language_switch", "language_switch_label", "reasoning_other"]);
const placeholders = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map((match) => match[0]).sort();

describe("the dictionaries", () => {
  it("have the same keys, none empty", () => {
    expect(Object.keys(en).sort()).toEqual([...keys].sort());
    for (const key of keys) expect([key, zh[key].trim() !== "", en[key].trim() !== ""]).toEqual([key, true, true]);
  });
  it("fill in the same values", () => {
    for (const key of keys) expect([key, ...placeholders(en[key])]).toEqual([key, ...placeholders(zh[key])]);
  });
  it("hold no Chinese in English", () => {
    const mixed = keys.filter((key) => !IN_THE_OTHER_LANGUAGE.has(key) && /\p{Script=Han}/u.test(en[key]));
    expect(mixed).toEqual([]);
  });
  it("hold no sentence that nothing shows", () => {
    const root = join(import.meta.dirname, "..", "src");
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => /\.(vue|ts)$/.test(name) && !name.includes("i18n") && !/words\.(zh|en)\.ts$/.test(name));
    const source = files.map((name) => readFileSync(join(root, name), "utf8")).join("\n");
    const families = [...source.matchAll(/(?:word\("|t\(`)([a-z]+)/g)].map((match) => match[1] ?? "");
    const unused = keys.filter((key) => !source.includes(key) && !families.some((family) => key.startsWith(`${family}_`)));
    expect(unused).toEqual([]);
  });
});

describe("words of the interface", () => {
  it("are translated with their hyphens, and shown as they came when unknown", () => {
    expect(translateWord("zh", "zone", "no-grazing")).toBe("禁牧区");
    expect(translateWord("zh", "outcome", "false_positive")).toBe("误报");
    expect(translateWord("en", "zone", "pond")).toBe("pond");
  });
  it("keep the braces of a value that is missing, so that the fault shows", () => {
    expect(translate("zh", "queue_newer")).toBe("上方有 {n} 条新事件");
    expect(translate("zh", "queue_newer", { n: 3 })).toBe("上方有 3 条新事件");
  });
});
