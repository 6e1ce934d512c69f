import { defineStore } from 'pinia'
import { ref } from 'vue'

import { api, type DeadLetter, type Receiver, unwrap } from '@/api/client'

export const MOST = 200

/** Dead letters of one receiver, or of all where it is "", owed in the last so many hours. */
export interface Asked {
  receiver: string
  hours: number
}

/** Receivers, and what nobody tries any more to send to them. */
export const useDeliveries = defineStore('deliveries', () => {
  const receivers = ref<Receiver[]>()
  const dead = ref<DeadLetter[]>([])
  const asked = ref<Asked>({ receiver: '', hours: 24 })

  const since = (now: number) => new Date(now - asked.value.hours * 3_600_000).toISOString()

  async function read(): Promise<void> {
    const query = { receiver: asked.value.receiver || undefined, from: since(Date.now()), limit: MOST }
    const [all, letters] = await Promise.all([
      unwrap(api.GET('/api/receivers')),
      unwrap(api.GET('/api/dead-letters', { params: { query } })),
    ])
    receivers.value = all
    dead.value = letters
  }

  async function enable(id: string): Promise<void> {
    await unwrap(api.POST('/api/receivers/{receiver_id}/enable', { params: { path: { receiver_id: id } } }))
    await read()
  }

  /** Owes deliveries again under their ids, and returns how many. */
  async function again(ids: string[]): Promise<number> {
    return replay({ ids, delivered: false })
  }

  /** Owes the notices of the time and receiver asked for again, with `delivered` those that it had taken as well. */
  async function againAll(delivered: boolean): Promise<number> {
    const now = Date.now()
    const span = { from: since(now), to: new Date(now).toISOString() }
    return replay({ receiver: asked.value.receiver, ...span, delivered, ids: [] })
  }

  async function replay(body: Parameters<typeof post>[0]): Promise<number> {
    const { count } = await post(body)
    await read()
    return count
  }

  return { receivers, dead, asked, read, enable, again, againAll }
})

const post = (body: { ids: string[]; receiver?: string; from?: string; to?: string; delivered: boolean }) =>
  unwrap(api.POST('/api/deliveries/replay', { body }))
