import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type ProfileState, unwrap } from '@/api/client'
import { polling } from '@/live/polled'

const EVERY_MS = 10_000

/** Which profile is in force. It changes a few times a year: looked at every ten seconds. */
export const useProfiles = defineStore('profiles', () => {
  const state = ref<ProfileState>()
  const busy = ref(false)

  const current = computed(() => state.value?.profiles.find((profile) => profile.id === state.value?.in_force.profile))
  /** Whether there is another one than everyday. */
  const any = computed(() => (state.value?.profiles.length ?? 0) > 1)

  async function load(): Promise<void> {
    state.value = await unwrap(api.GET('/api/profiles'))
  }

  /** Follows it until `stop`; a server that does not answer changes nothing of what is shown. */
  const { begin: start, end: stop } = polling(load, EVERY_MS)

  async function press(profile: string, until: Date, reason: string): Promise<void> {
    const body = { profile, until: until.toISOString(), reason }
    await change(unwrap(api.PUT('/api/profiles/in-force', { body })))
  }

  async function release(): Promise<void> {
    await change(unwrap(api.DELETE('/api/profiles/in-force')))
  }

  async function change(request: Promise<ProfileState>): Promise<void> {
    busy.value = true
    try {
      state.value = await request
    } finally {
      busy.value = false
    }
  }

  return { state, busy, current, any, load, start, stop, press, release }
})
