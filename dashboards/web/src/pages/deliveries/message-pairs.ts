// Messages by what they are about. In: the interface's list, `incident.opened.zh`. Out: one entry each with its languages. Pure.
import type { Message } from "./types";

export const MESSAGE_LANGS = ["zh", "en"] as const;
export type MessageLang = (typeof MESSAGE_LANGS)[number];

export interface MessagePair {
  /** `incident.opened` */
  about: string;
  zh: Message | null;
  en: Message | null;
}

export function pairMessages(list: readonly Message[]): MessagePair[] {
  const pairs = new Map<string, MessagePair>();
  for (const message of list) {
    const found = /^(?<about>.+)\.(?<lang>zh|en)$/.exec(message.name)?.groups;
    const about = found?.["about"] ?? message.name;
    const pair = pairs.get(about) ?? { about, zh: null, en: null };
    pair[found?.["lang"] === "en" ? "en" : "zh"] = message;
    pairs.set(about, pair);
  }
  return [...pairs.values()];
}
