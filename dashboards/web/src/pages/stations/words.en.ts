// The English text of this page, a part of `i18n/en.ts`. In: nothing. Out: the same keys as `words.zh.ts`.

export const stationsEn = {
  nav_stations: "Stations",
  chart_newest: "Newest",
  chart_unknown: "no data",
  chart_words: "{label}: {n} values; {first} at {from}, {last} at {to}; lowest {low}, highest {high}.",
  chart_words_none: "{label}: no data.",
} as const;
