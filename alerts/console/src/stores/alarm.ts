import { defineStore } from 'pinia'
import { ref } from 'vue'

import type { Incident, Severity } from '@/api/client'
import { rings } from '@/live/ringing'
import { Alarm } from '@/live/sound'

import { useQuiets } from './quiets'
import { useSettings } from './settings'

/** The alert sound of the console, and whether the browser lets it out. */
export const useAlarm = defineStore('alarm', () => {
  const settings = useSettings()
  const quiets = useQuiets()
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
    alarm.play('medium', true)
  }

  /** Rings for an incident: unless the sound is off or kept quiet, and always where a life may be at stake. */
  function ring(incident: Incident): void {
    if (rings(incident, settings.sound, quiets.all, Date.now())) alarm.play(incident.severity)
  }

  /** Rings for the one who is called by name: whoever has the sound off is called all the same. */
  const call = (severity: Severity) => alarm.play(severity)

  /** Plays what is to be heard; false where the browser does not let it. */
  const test = () => alarm.play('high', true)

  // The first click or key of a visit lets the sound out: also where it is off, for what rings all the same.
  // Not the ones that switch it: they would find it let out already, and switch it off.
  function resume(event: Event): void {
    const switches = (event.target as Element).closest?.('[data-sound-switch]') || (event as KeyboardEvent).code === 'KeyM'
    if (!allowed.value && !switches) void unlock()
  }

  return { allowed, unlock, toggle, ring, call, test, resume }
})
