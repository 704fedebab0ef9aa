// The English text of this page, a part of `i18n/en.ts`. In: nothing. Out: the same keys as `words.zh.ts`.

export const deliveriesEn = {
  deliveries_title: "Deliveries",
  deliveries_empty: "Nothing was sent yet. Once an alert goes to a subscriber, each delivery is listed here.",
  deliveries_count: "latest {n}",
  delivery_at: "Time",
  delivery_type: "Alert",
  delivery_subscriber: "Subscriber",
  delivery_channel: "Channel",
  delivery_state: "State",
  delivery_attempts: "Attempts",
  delivery_answer: "Answer",
  delivery_incident: "Incident",
} as const;
