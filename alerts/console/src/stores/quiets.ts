import { defineStore } from 'pinia'
import { ref } from 'vue'

import { api, type Quiet, type SayQuiet, unwrap } from '@/api/client'

const READ_EVERY_MS = 15_000

/** For what consoles do not ring now: whoever said it, all of them hold to it. */
export const useQuiets = defineStore('quiets', () => {
  const all = ref<Quiet[]>([])
  let timer = 0

  async function read(): Promise<void> {
    all.value = await unwrap(api.GET('/api/quiets'))
  }

  async function say(body: SayQuiet): Promise<void> {
    await unwrap(api.POST('/api/quiets', { body }))
    await read()
  }

  async function lift(id: string): Promise<void> {
    await unwrap(api.POST('/api/quiets/{quiet_id}/lift', { params: { path: { quiet_id: id } } }))
    await read()
  }

  function begin(): void {
    const turn = () => void read().catch(() => undefined)
    turn()
    timer = window.setInterval(turn, READ_EVERY_MS)
  }

  const end = () => window.clearInterval(timer)

  return { all, read, say, lift, begin, end }
})
