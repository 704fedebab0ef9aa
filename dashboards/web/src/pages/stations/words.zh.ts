// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const stationsZh = {
  nav_stations: "监测站",
} as const;
