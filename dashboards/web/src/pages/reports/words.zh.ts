// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const reportsZh = {
  nav_reports: "报表",
} as const;
