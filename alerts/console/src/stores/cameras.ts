import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import type { Camera } from '@/api/client'

/** Faults of a camera whose pictures come, and show nothing of its scene. */
const BLINDING = new Set(['frozen', 'covered', 'turned'])

/** Whether a camera shows what it was put up for. */
const sees = ({ condition, faults }: Camera) =>
  (condition === 'online' || condition === 'degraded') && !faults.some((fault) => BLINDING.has(fault))

/** Every camera and what it is worth, as its stream said last. */
export const useCameras = defineStore('cameras', () => {
  const byId = ref(new Map<string, Camera>())
  const all = computed(() => [...byId.value.values()])
  const watching = computed(() => all.value.filter((camera) => camera.condition !== 'disabled'))
  const online = computed(() => watching.value.filter(sees))
  const blind = computed(() => watching.value.filter((camera) => !sees(camera)))
  /** Since when every camera has been watching, without a break. */
  const since = computed(() => {
    if (blind.value.length || !online.value.length) return undefined
    return online.value.map((camera) => camera.since ?? '').reduce((a, b) => (a > b ? a : b))
  })

  function merge(cameras: Camera[]): void {
    for (const camera of cameras) byId.value.set(camera.id, camera)
  }

  return { byId, all, watching, online, blind, since, merge }
})
