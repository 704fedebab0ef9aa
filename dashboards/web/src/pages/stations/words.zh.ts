// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const stationsZh = {
  nav_stations: "监测站",
  chart_newest: "最新",
  chart_unknown: "无数据",
  chart_words: "{label}：共 {n} 个值；{from} 为 {first}，{to} 为 {last}；最低 {low}，最高 {high}。",
  chart_words_none: "{label}：没有数据。",
} as const;
