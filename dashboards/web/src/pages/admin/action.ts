// One thing at a time that may fail. In: what to do. Out: whether it runs, and the sentence it failed with.
import { ref, type Ref } from "vue";
import { reasonOf } from "../../store";

export interface Action {
  busy: Ref<boolean>;
  failure: Ref<string | null>;
  /** Runs it unless something runs; whether it was done. */
  run: (work: () => Promise<void>) => Promise<boolean>;
}

export function useAction(): Action {
  const busy = ref(false);
  const failure = ref<string | null>(null);
  async function run(work: () => Promise<void>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    failure.value = null;
    try {
      await work();
      return true;
    } catch (cause) {
      failure.value = reasonOf(cause);
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, failure, run };
}
