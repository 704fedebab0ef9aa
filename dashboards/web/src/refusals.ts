// What the server refused, in the operator's language. In: an error of `http.ts`. Out: a sentence. Which codes and kinds there are stands in
// `refusals.json`, which the server's tests hold to be true. Pure, but for the language.
import type { ApiError } from "./http";
import { dictionaries, type MessageKey } from "./i18n/translate";
import { lang, t, word } from "./prefs";

const known = (key: string): key is MessageKey => key in dictionaries.zh;

/** Values that are words of the interface, several of them parted by commas. */
const TOLD: Readonly<Record<string, (value: string) => string>> = {
  roles: (value) => word("role", value),
  status: (value) => word("status", value),
  what: (value) => word("thing", value),
};

function valueText(name: string, value: string | number): string | number {
  const told = TOLD[name];
  if (told === undefined) return value;
  const texts = String(value).split(",").map((one) => {
    const key = one.replaceAll(" ", "_");
    return told(key) === key ? one : told(key);
  });
  return texts.join(t("and"));
}

/** A code that we know has its sentence. Else the kind's name stands for it with the server's English sentence, which alone would do in English. */
export function refusalText({ kind, code, params, message }: ApiError): string {
  const snake = code.replaceAll("-", "_");
  if (code !== "" && known(`refusal_${snake}`)) {
    const values = Object.entries(params).map(([name, value]) => [name, valueText(name, value)] as const);
    return t(`refusal_${snake}` as MessageKey, { ...Object.fromEntries(values), detail: message });
  }
  const snakeKind = kind.replaceAll("-", "_");
  if (lang.value === "en" || !known(`problem_${snakeKind}`)) return message;
  return t("refusal_else", { title: t(`problem_${snakeKind}` as MessageKey), detail: message });
}
