import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'

import { api, type Placing, type SiteMap, rawBody, unwrap } from '@/api/client'

/** What the map is drawn on and what stands where; conditions of cameras and incidents come by the stream. */
export const useSiteMap = defineStore('siteMap', () => {
  const map = shallowRef<SiteMap>()
  const failed = ref(false)

  async function read(): Promise<void> {
    try {
      map.value = await unwrap(api.GET('/api/map'))
      failed.value = false
    } catch {
      failed.value = !map.value
    }
  }

  async function upload(file: File, reason: string): Promise<void> {
    map.value = await unwrap(api.PUT('/api/map/plan', { params: { query: { reason } }, ...rawBody(file) }))
  }

  async function place(body: Placing): Promise<void> {
    map.value = await unwrap(api.PUT('/api/map/plan/placing', { body }))
  }

  async function takeAway(reason: string): Promise<void> {
    map.value = await unwrap(api.DELETE('/api/map/plan', { params: { query: { reason } } }))
  }

  return { map, failed, read, upload, place, takeAway }
})
