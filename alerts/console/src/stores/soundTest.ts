import { defineStore } from 'pinia'
import { ref } from 'vue'

import { api, type SoundTest, unwrap } from '@/api/client'

import { useAlarm } from './alarm'
import { useSettings } from './settings'

/** Whether this console is heard: it plays, asks, and the server keeps what was answered in this log-in. */
export const useSoundTest = defineStore('soundTest', () => {
  const alarm = useAlarm()
  const settings = useSettings()
  /** Undefined until the server has said it. */
  const answered = ref<SoundTest>()
  const played = ref(false)

  /** Reads what was answered; where nothing was, it plays, if the browser lets it. */
  async function begin(): Promise<void> {
    played.value = false
    answered.value = await unwrap(api.GET('/api/sound-test'))
    if (answered.value.heard === null && navigator.userActivation?.hasBeenActive) await play()
  }

  async function play(): Promise<void> {
    await alarm.unlock()
    played.value = alarm.test()
  }

  /** Whoever heard it wants to go on hearing it. */
  async function answer(heard: boolean): Promise<void> {
    answered.value = await unwrap(api.POST('/api/sound-test', { body: { heard } }))
    if (heard) settings.setSound(true)
  }

  return { answered, played, begin, play, answer }
})
