// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const playbackZh = {
  nav_playback: "回放",
} as const;
