// The English text of this page, a part of `i18n/en.ts`. In: nothing. Out: the same keys as `words.zh.ts`.

export const devicesEn = {
  devices_title: "Devices",
  devices_empty: "No device is registered yet. It is listed here once registered, as “never seen” until it first reports.",
  devices_filter: "Find by id",
  devices_count: "{n} in all",
  devices_all: "All",
  device_id: "Id",
  device_kind: "Kind",
  device_health: "Health",
  device_last_seen: "Last heard",
  device_deadline: "Due by",
  device_never: "never heard",
  device_overdue: "overdue",
  device_via: "Via",
  device_external: "External id",
} as const;
