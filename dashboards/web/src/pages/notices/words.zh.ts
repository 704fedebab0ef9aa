// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const noticesZh = {
  notices_over: "查看已结束的",
  notices_none: "没有提示。设备失联、画面异常、盲区、火情会列在这里。",
  notice_matter: "事由",
  notice_text: "内容",
  notice_since: "开始",
  notice_until: "结束",
} as const;
