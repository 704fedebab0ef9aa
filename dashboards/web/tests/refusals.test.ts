// What the server may refuse, and that each of it is said in both languages.
import { beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../src/http";
import { dictionaries } from "../src/i18n/translate";
import { lang } from "../src/prefs";
import { refusalText } from "../src/refusals";
import words from "../src/refusals.json";

const key = (family: string, word: string): string => `${family}_${word.replaceAll("-", "_")}`;
const refused = (code: string, params: Record<string, string | number>, kind = "conflict"): ApiError => new ApiError(409, "the server's sentence", kind, code, params);

describe("a refusal", () => {
  beforeEach(() => {
    lang.value = "zh";
  });
  it("has words in both languages, whatever the server may refuse", () => {
    for (const dictionary of [dictionaries.zh, dictionaries.en] as Record<string, string>[]) {
      for (const kind of words.kinds) expect([kind, dictionary[key("problem", kind)]]).toEqual([kind, expect.any(String)]);
      for (const [code, params] of Object.entries(words.codes)) {
        const text = dictionary[key("refusal", code)] ?? `no words for ${code}`;
        const named = [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        expect([code, text, named.filter((name) => name !== "detail" && !(params as string[]).includes(name ?? ""))]).toEqual([code, expect.not.stringContaining("no words"), []]);
      }
    }
  });
  it("has no words for what the server never says", () => {
    const said = new Set([...words.kinds.map((kind) => key("problem", kind)), ...Object.keys(words.codes).map((code) => key("refusal", code)), "refusal_else"]);
    expect(Object.keys(dictionaries.zh).filter((name) => /^(?:refusal|problem)_/.test(name) && !name.startsWith("problem_of_") && !said.has(name))).toEqual([]);
  });
  it("is told with its values, words of the interface among them", () => {
    expect(refusalText(refused("throttled", { seconds: 30 }))).toBe("密码错误次数过多，请 30 秒后再试。");
    expect(refusalText(refused("role-needed", { roles: "operator,supervisor" }))).toContain("值守员、带班领导");
    expect(refusalText(refused("not-registered", { what: "patrol route", name: "r-1" }))).toBe("没有巡护路线 r-1，请先登记或改正名称。");
    expect(refusalText(refused("not-registered", { what: "odd thing", name: "r-1" }))).toContain("odd thing r-1");
    expect(refusalText(refused("letter-unclear", { letter: "7" }))).toContain("the server's sentence");
  });
  it("that is new is told by its kind, with the server's own sentence", () => {
    expect(refusalText(refused("brand-new", {}))).toBe("与当前状态不符（the server's sentence）");
    expect(refusalText(refused("", {}, "never-heard"))).toBe("the server's sentence");
    lang.value = "en";
    expect(refusalText(refused("brand-new", {}))).toBe("the server's sentence");
  });
});
