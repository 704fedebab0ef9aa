// Keys to text. In: a language, a key, values. Out: a sentence. Pure; which language is chosen is `prefs.ts`'s business.
import type { Lang } from "../format";
import { en } from "./en";
import { zh, type Dictionary, type MessageKey } from "./zh";

export type { MessageKey } from "./zh";
export const dictionaries: Record<Lang, Dictionary> = { zh, en };
/** The `lang` attribute of the document. */
export const LANG_TAGS: Record<Lang, string> = { zh: "zh-CN", en: "en" };

/** The sentence of a key with its {names} filled in. */
export function translate(lang: Lang, key: MessageKey, values: Record<string, string | number> = {}): string {
  return dictionaries[lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A word of the interface (`no-grazing`, `false_positive`) in people's language; a word we do not know is shown as it came. */
export function translateWord(lang: Lang, family: string, word: string): string {
  const key = `${family}_${word.replaceAll("-", "_")}`;
  return key in zh ? dictionaries[lang][key as MessageKey] : word;
}
