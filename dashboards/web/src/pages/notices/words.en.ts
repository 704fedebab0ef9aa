// The English text of this page, a part of `i18n/en.ts`. In: nothing. Out: the same keys as `words.zh.ts`.

export const noticesEn = {
  notices_over: "Those that are over",
  notices_none: "There are none. Silent devices, bad pictures, blind areas and fires are listed here.",
  notice_matter: "Matter",
  notice_text: "What",
  notice_since: "Since",
  notice_until: "Until",
} as const;
