// The Chinese text of this page, a part of `i18n/zh.ts`. In: nothing. Out: one sentence per key.

export const devicesZh = {
  devices_title: "设备",
  devices_empty: "还没有登记设备。登记后会列在这里，首次上报前显示“从未上线”。",
  devices_filter: "按编号查找",
  devices_count: "共 {n} 台",
  devices_all: "全部",
  device_id: "编号",
  device_kind: "类型",
  device_health: "状态",
  device_last_seen: "最后上报",
  device_deadline: "应上报时限",
  device_never: "从未上报",
  device_overdue: "已逾期",
  device_via: "经由",
  device_external: "外部编号",
} as const;
