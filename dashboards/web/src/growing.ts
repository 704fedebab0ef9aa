// A long table shows so many rows, and more when somebody asks. In: all rows, how many at a time. Out: the rows shown, how many are not.
import { computed, ref, type ComputedRef } from "vue";

export interface Growing<T> {
  rows: ComputedRef<T[]>;
  hidden: ComputedRef<number>;
  more: () => void;
}

export function growing<T>(all: ComputedRef<readonly T[]>, step: number): Growing<T> {
  const shown = ref(step);
  return {
    rows: computed(() => all.value.slice(0, shown.value)),
    hidden: computed(() => Math.max(0, all.value.length - shown.value)),
    more: () => {
      shown.value += step;
    },
  };
}
