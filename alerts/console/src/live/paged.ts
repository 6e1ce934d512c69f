import { computed, type ComputedRef, ref } from 'vue'

/** The beginning of a list that may be long; it grows as somebody goes on. */
export function usePaged<T>(all: () => readonly T[], page: number) {
  const length = ref(page)
  const first: ComputedRef<readonly T[]> = computed(() => all().slice(0, length.value))
  const rest = computed(() => Math.max(0, all().length - length.value))

  /** Makes sure that what stands at `index` is among the first. */
  function reach(index: number): void {
    while (index >= length.value) length.value += page
  }

  return { first, rest, reach, more: () => reach(length.value) }
}
