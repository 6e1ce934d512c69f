import { onMounted, onUnmounted, ref, type Ref } from 'vue'

const EVERY_MS = 15_000

/** Reads something now and then while a component is there; what cannot be read now stays as it was. */
export function usePolled<T>(read: () => Promise<T>): { state: Ref<T | undefined>; again: () => Promise<void> } {
  const state = ref<T>() as Ref<T | undefined>
  let timer = 0

  async function again(): Promise<void> {
    state.value = await read()
  }

  onMounted(() => {
    const turn = () => void again().catch(() => undefined)
    turn()
    timer = window.setInterval(turn, EVERY_MS)
  })
  onUnmounted(() => window.clearInterval(timer))
  return { state, again }
}
