import { defineStore } from 'pinia'
import { ref } from 'vue'

import type { Severity } from '@/api/client'
import { Alarm } from '@/live/sound'

import { useSettings } from './settings'

/** The alert sound of the console, and whether the browser lets it out. */
export const useAlarm = defineStore('alarm', () => {
  const settings = useSettings()
  const alarm = new Alarm()
  const allowed = ref(false)

  async function unlock(): Promise<void> {
    await alarm.unlock()
    allowed.value = alarm.allowed
  }

  /** Switches the sound; switched on, it is heard at once. */
  async function toggle(): Promise<void> {
    if (settings.sound && allowed.value) {
      settings.setSound(false)
      return
    }
    settings.setSound(true)
    await unlock()
    alarm.play('medium')
  }

  function ring(severity: Severity): void {
    if (settings.sound) alarm.play(severity)
  }

  // Where it was switched on before, the first click or key of this visit lets it out again.
  // Not the ones that switch it: they would find it let out already, and switch it off.
  function resume(event: Event): void {
    const switches = (event.target as Element).closest?.('[data-sound-switch]') || (event as KeyboardEvent).code === 'KeyM'
    if (settings.sound && !allowed.value && !switches) void unlock()
  }

  return { allowed, toggle, ring, resume }
})
