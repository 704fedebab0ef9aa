// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const deliveriesZh = {
  deliveries_title: "推送记录",
  deliveries_empty: "还没有推送。产生告警并配置接收方后，每次推送的结果会列在这里。",
  deliveries_count: "最近 {n} 条",
  delivery_at: "时间",
  delivery_type: "告警",
  delivery_subscriber: "接收方",
  delivery_channel: "方式",
  delivery_state: "状态",
  delivery_attempts: "次数",
  delivery_answer: "对方答复",
  delivery_incident: "事件",
} as const;
