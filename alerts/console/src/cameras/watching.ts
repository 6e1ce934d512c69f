import { onUnmounted, ref, shallowRef } from 'vue'

import { ApiProblem } from '@/api/client'
import { Parts, type Picture, type Seen } from '@/cameras/mjpeg'

export interface Shown {
  url: string
  capturedAt: string
  objects?: Seen[]
}

/** A camera as it is now, from the moment somebody asks until they leave; picture after picture. */
export function useWatching() {
  const shown = shallowRef<Shown>()
  const state = ref<'idle' | 'waiting' | 'live' | 'ended'>('idle')
  const problem = ref<string>()
  let ending: AbortController | undefined

  async function begin(camera: string, annotated: boolean, reason: string): Promise<void> {
    end()
    const mine = (ending = new AbortController())
    state.value = 'waiting'
    problem.value = undefined
    try {
      const query = new URLSearchParams({ annotated: String(annotated), ...(reason ? { reason } : {}) })
      const answer = await fetch(`/api/cameras/${encodeURIComponent(camera)}/live.mjpeg?${query}`, { signal: mine.signal })
      if (!answer.ok || !answer.body) {
        const told = (await answer.json().catch(() => ({}))) as { code?: string }
        throw new ApiProblem(told.code ?? `http_${answer.status}`, answer.status, 0)
      }
      await read(answer.body.getReader())
      if (ending === mine) state.value = 'ended'
    } catch (error) {
      if (ending !== mine) return
      state.value = 'ended'
      problem.value = error instanceof ApiProblem ? error.code : 'unreachable'
    }
  }

  async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const parts = new Parts()
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const newest = parts.take(piece.value).at(-1)
      if (newest) show(newest)
    }
  }

  function show({ jpeg, capturedAt, objects }: Picture): void {
    const before = shown.value?.url
    shown.value = { url: URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' })), capturedAt, objects }
    state.value = 'live'
    if (before) setTimeout(() => URL.revokeObjectURL(before), 2000) // it may still be on its way to the screen
  }

  function end(): void {
    ending?.abort()
    ending = undefined
    state.value = 'idle'
  }

  onUnmounted(() => {
    end()
    if (shown.value) URL.revokeObjectURL(shown.value.url)
  })
  return { shown, state, problem, begin, end }
}
