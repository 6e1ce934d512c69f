import { defineStore } from 'pinia'
import { ref } from 'vue'

import { api, type Trial, unwrap } from '@/api/client'

/** Rules that are new on a camera; read when somebody wants to see them. */
export const useTrials = defineStore('trials', () => {
  const all = ref<Trial[]>([])

  async function read(): Promise<void> {
    all.value = await unwrap(api.GET('/api/trials'))
  }

  async function signOff(trial: Trial, reason: string, early: boolean): Promise<void> {
    const params = { path: { trial_id: trial.id } }
    await unwrap(api.POST('/api/trials/{trial_id}/sign-off', { params, body: { reason, early } }))
    await read()
  }

  return { all, read, signOff }
})
