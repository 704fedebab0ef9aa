// What a person chose on this screen: language and theme. In: clicks. Out: reactive values, attributes of <html>.
// Remembered in localStorage where there is one; a browser that forbids it only forgets.
import { ref } from "vue";
import type { Lang } from "./format";
import { LANG_TAGS, translate, translateWord, type MessageKey } from "./i18n/translate";

export type Theme = "dark" | "light";

const LANG_KEY = "steppewatch.lang";
const THEME_KEY = "steppewatch.theme";

function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows and locked-down desks forbid storage; the choice then lasts as long as the page.
  }
}

export const lang = ref<Lang>(recall(LANG_KEY) === "en" ? "en" : "zh");
export const theme = ref<Theme>(recall(THEME_KEY) === "light" ? "light" : "dark");

/** Writes the choices where style sheets and screen readers find them. */
export function applyPreferences(): void {
  document.documentElement.lang = LANG_TAGS[lang.value];
  document.documentElement.dataset["theme"] = theme.value;
  document.title = t("app_name");
}

export function switchLang(): void {
  lang.value = lang.value === "zh" ? "en" : "zh";
  remember(LANG_KEY, lang.value);
  applyPreferences();
}

export function switchTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  remember(THEME_KEY, theme.value);
  applyPreferences();
}

/** Text in the chosen language; reactive inside templates. */
export function t(key: MessageKey, values?: Record<string, string | number>): string {
  return translate(lang.value, key, values);
}

/** A word of the interface in the chosen language. */
export function word(family: string, value: string | null | undefined): string {
  return value === null || value === undefined || value === "" ? "—" : translateWord(lang.value, family, value);
}
