import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type Camera, type Say, type Suppression, unwrap } from '@/api/client'

const READ_EVERY_MS = 15_000

/** What people said is held back, and is in force or will be. */
export const useSuppressions = defineStore('suppressions', () => {
  const all = ref<Suppression[]>([])
  const maintenance = computed(() => all.value.filter((word) => word.kind === 'maintenance' && word.state === 'in_force'))
  /** Whether somebody works on a camera or at its point. */
  const isMaintained = (camera: Camera) =>
    maintenance.value.some((word) => word.camera?.id === camera.id || word.point?.id === camera.point.id)
  let timer = 0

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

  /** Reads them now and again and again: colleagues say something too, and ends come by themselves. */
  function begin(): void {
    const turn = () => void read().catch(() => undefined)
    turn()
    timer = window.setInterval(turn, READ_EVERY_MS)
  }

  const end = () => window.clearInterval(timer)

  return { all, maintenance, isMaintained, read, say, lift, begin, end }
})
