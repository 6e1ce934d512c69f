import { defineStore } from 'pinia'
import { ref } from 'vue'

import { api, type Quiet, type SayQuiet, unwrap } from '@/api/client'
import { polling } from '@/live/polled'

/** For what consoles do not ring now: whoever said it, all of them hold to it. */
export const useQuiets = defineStore('quiets', () => {
  const all = ref<Quiet[]>([])

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

  const { begin, end } = polling(read)

  return { all, read, say, lift, begin, end }
})
