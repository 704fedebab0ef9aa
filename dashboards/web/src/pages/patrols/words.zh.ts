// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const patrolsZh = {
  nav_patrols: "巡护",
} as const;
