import { onMounted, onUnmounted, ref, type Ref } from 'vue'

const EVERY_MS = 15_000

export interface Polling {
  begin: () => void
  end: () => void
}

/** Reads something now and again and again, from `begin` to `end`; what cannot be read now stays as it was. */
export function polling(read: () => Promise<unknown>, everyMs = EVERY_MS): Polling {
  let timer = 0
  const end = () => window.clearInterval(timer)

  function begin(): void {
    end()
    const turn = () => void read().catch(() => undefined)
    turn()
    timer = window.setInterval(turn, everyMs)
  }

  return { begin, end }
}

/** The same while a component is there. */
export function usePolled<T>(read: () => Promise<T>): { state: Ref<T | undefined>; again: () => Promise<void> } {
  const state = ref<T>() as Ref<T | undefined>

  async function again(): Promise<void> {
    state.value = await read()
  }

  const { begin, end } = polling(again)
  onMounted(begin)
  onUnmounted(end)
  return { state, again }
}
