import { defineStore } from 'pinia'
import { ref } from 'vue'

import { api, type CameraDetails, type CameraHistory, unwrap } from '@/api/client'

/** What is known of each camera beside its state; read when somebody looks. */
export const useCameraDetails = defineStore('cameraDetails', () => {
  const byId = ref(new Map<string, CameraDetails>())

  async function read(): Promise<void> {
    byId.value = new Map((await unwrap(api.GET('/api/cameras/details'))).map((one) => [one.id, one]))
  }

  const history = (camera: string): Promise<CameraHistory> =>
    unwrap(api.GET('/api/cameras/{camera}/history', { params: { path: { camera } } }))

  return { byId, read, history }
})
