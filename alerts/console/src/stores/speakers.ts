import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type Call, type MakeCall, type SpeakersState, type SpeakerState, type Stanza, unwrap } from '@/api/client'

const READ_EVERY_MS = 3_000

/** Speakers, what they say and what people said through them; read again and again while their page is open. */
export const useSpeakers = defineStore('speakers', () => {
  const state = ref<SpeakersState>()
  const calls = ref<Call[]>([])
  /** Whether the last try to read them failed. */
  const failed = ref(false)
  const all = computed<SpeakerState[]>(() => state.value?.speakers ?? [])
  const groups = computed(() => state.value?.groups ?? [])

  async function read(): Promise<void> {
    const [now, said] = await Promise.all([unwrap(api.GET('/api/speakers')), unwrap(api.GET('/api/calls'))])
    state.value = now
    calls.value = said
  }

  /** Reads now and every few seconds, until what it returns is called. */
  function follow(): () => void {
    const turn = () =>
      void read().then(
        () => (failed.value = false),
        () => (failed.value = true),
      )
    turn()
    const timer = window.setInterval(turn, READ_EVERY_MS)
    return () => window.clearInterval(timer)
  }

  async function call(body: MakeCall): Promise<void> {
    await unwrap(api.POST('/api/calls', { body }))
    await read()
  }

  async function stopCall(id: string): Promise<void> {
    await unwrap(api.POST('/api/calls/{call_id}/stop', { params: { path: { call_id: id } } }))
    await read()
  }

  async function silence(speaker: string): Promise<number> {
    const { speeches } = await unwrap(api.POST('/api/speakers/{speaker}/stop', { params: { path: { speaker } } }))
    await read()
    return speeches
  }

  /** Changes hours and bounds of a speaker as a version of the settings; null: as in the file. */
  async function changeHours(speaker: string, stanza: Stanza | null, reason: string): Promise<void> {
    const { newest } = await unwrap(api.GET('/api/settings'))
    const body = { stanza, reason, based_on: newest }
    await unwrap(api.PUT('/api/speakers/{speaker}/hours', { params: { path: { speaker } }, body }))
  }

  return { state, calls, failed, all, groups, read, follow, call, stopCall, silence, changeHours }
})
