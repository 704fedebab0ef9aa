// One thing at a time that the server is asked to do. In: what to do. Out: whether it goes on, and in words what it failed with.
import { ref, type Ref } from "vue";
import { reasonOf } from "./store";

export interface Doing {
  busy: Ref<boolean>;
  failure: Ref<string | null>;
  /** The server's own sentence of it, which begins with the field that it is about. */
  detail: Ref<string | null>;
  /** Whether it was done. */
  run: (work: () => Promise<void>) => Promise<boolean>;
}

export function useDoing(): Doing {
  const busy = ref(false);
  const failure = ref<string | null>(null);
  const detail = ref<string | null>(null);
  async function run(work: () => Promise<void>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    failure.value = null;
    try {
      await work();
      return true;
    } catch (cause) {
      failure.value = reasonOf(cause);
      detail.value = cause instanceof Error ? cause.message : null;
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, failure, detail, run };
}
