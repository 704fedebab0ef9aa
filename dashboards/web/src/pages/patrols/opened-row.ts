// What is open is seen in its list, also where it came from an address or the detail took the list's room. In: the list's element, what
// may move the row. Out: the list scrolled as little as it takes.
import { watch, type ShallowRef, type WatchSource } from "vue";

export function keepOpenedInView(list: Readonly<ShallowRef<HTMLElement | null>>, causes: WatchSource[]): void {
  watch(causes, () => list.value?.querySelector("tr[aria-current]")?.scrollIntoView({ block: "nearest" }), { flush: "post" });
}
