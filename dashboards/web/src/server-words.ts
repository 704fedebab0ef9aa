// Sentences that the server writes in one language or in both at once. In: its text. Out: the same in the chosen language;
// what we do not know is shown as it came. Pure.
import type { Lang } from "./format";
import { translate, type MessageKey } from "./i18n/translate";

const REASONS: readonly { pattern: RegExp; key: MessageKey }[] = [
  { pattern: /^(?<count>\d+) sightings inside within (?<minutes>\d+) minutes$/, key: "reason_sightings" },
  { pattern: /^collar (?<device>\S+) stayed inside for (?<minutes>\d+) minutes$/, key: "reason_collar" },
  { pattern: /^already inside when the closure began$/, key: "reason_closure" },
  { pattern: /^the (?:zone map|zones or closures) changed$/, key: "reason_map" },
];

/** Why an incident was opened: one or more reasons, parted by semicolons. */
export function reasonText(text: string, lang: Lang): string {
  const parts = text.split("; ").map((part) => {
    const found = REASONS.find(({ pattern }) => pattern.test(part));
    return found === undefined ? part : translate(lang, found.key, found.pattern.exec(part)?.groups ?? {});
  });
  return parts.join(lang === "zh" ? "；" : "; ");
}

/** A rule is named in Chinese and then in English, `自然保护区禁牧 nature reserve`: the half that the reader asked for. */
export function ownHalf(name: string, lang: Lang): string {
  const halves = /^(?<zh>[^A-Za-z]*\p{Script=Han}[^A-Za-z]*?)\s+(?<en>[A-Za-z][^\p{Script=Han}]*)$/u.exec(name)?.groups;
  return halves?.[lang] ?? name;
}
