import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type Camera, type Say, type Suppression, unwrap } from '@/api/client'
import { polling } from '@/live/polled'

/** What people said is held back, and is in force or will be. */
export const useSuppressions = defineStore('suppressions', () => {
  const all = ref<Suppression[]>([])
  const maintenance = computed(() => all.value.filter((word) => word.kind === 'maintenance' && word.state === 'in_force'))
  /** Whether somebody works on a camera or at its point. */
  const isMaintained = (camera: Camera) =>
    maintenance.value.some((word) => word.camera?.id === camera.id || word.point?.id === camera.point.id)

  async function read(): Promise<void> {
    all.value = await unwrap(api.GET('/api/suppressions'))
  }

  async function say(body: Say): Promise<void> {
    await unwrap(api.POST('/api/suppressions', { body }))
    await read()
  }

  async function lift(id: string): Promise<void> {
    await unwrap(api.POST('/api/suppressions/{word_id}/lift', { params: { path: { word_id: id } } }))
    await read()
  }

  /** Colleagues say something too, and ends come by themselves. */
  const { begin, end } = polling(read)

  return { all, maintenance, isMaintained, read, say, lift, begin, end }
})
