import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type Standstill, unwrap } from '@/api/client'
import { polling } from '@/live/polled'
import { useTime } from '@/time'

const READ_EVERY_MS = 4_000

/** Whether every broadcast is stopped: asked all the time, so that every console shows it. */
export const useStandstill = defineStore('standstill', () => {
  const time = useTime()
  const known = ref<Standstill | null>(null)
  const leftS = computed(() => (known.value ? Math.ceil((Date.parse(known.value.until) - time.now.value) / 1000) : 0))
  /** The one that is in force; it ends by itself, whether or not the server can be asked. */
  const current = computed(() => (leftS.value > 0 ? known.value : null))
  /** Whether somebody is asked for how long and why. */
  const asking = ref(false)

  async function read(): Promise<void> {
    known.value = (await unwrap(api.GET('/api/standstill'))).standstill
  }

  /** Stops everything and returns how many speeches were broken off. */
  async function stopAll(reason: string, minutes: number, full = false): Promise<number> {
    const state = await unwrap(api.POST('/api/standstill', { body: { reason, minutes, full } }))
    known.value = state.standstill
    return state.speeches
  }

  async function end(): Promise<void> {
    known.value = (await unwrap(api.POST('/api/standstill/end'))).standstill
  }

  const { begin, end: stop } = polling(read, READ_EVERY_MS)

  return { asking, current, leftS, read, stopAll, end, begin, stop }
})
