// The English text of this page, a part of `i18n/en.ts`. In: nothing. Out: the same keys as `words.zh.ts`.

export const zonesEn = {
  nav_zones: "Zones",
} as const;
