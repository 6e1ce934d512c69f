import { serve } from './network'

import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { useIncidents } from '@/stores/incidents'
import { useLive } from '@/stores/live'

import { incident, page } from './fixtures'

const sources: (EventTarget & { url: string })[] = []
const emit = (kind: string, data: unknown, lastEventId = '') =>
  sources.at(-1)!.dispatchEvent(Object.assign(new Event(kind), { data: JSON.stringify(data), lastEventId }))

beforeEach(() => {
  setActivePinia(createPinia())
  sources.length = 0
  vi.stubGlobal(
    'EventSource',
    class extends EventTarget {
      constructor(readonly url: string) {
        super()
        sources.push(this)
      }

      close(): void {}
    },
  )
})
afterEach(() => vi.unstubAllGlobals())

describe('what happened where the stream cannot be completed', () => {
  it('rings for what needs somebody only since then, and for nothing else', async () => {
    const old = incident('old')
    const taken = incident('taken', { state: 'acknowledged' })
    let open = [old, taken]
    let position = 5
    serve({ 'open=true': () => ({ body: page(open, position) }), 'open=false': () => ({ body: page([], position) }) })
    const live = useLive()
    const rang: string[] = []
    live.onAlarm(({ id }) => rang.push(id))
    await live.begin()
    expect(rang).toEqual([])

    open = [old, { ...taken, version: 2, state: 'escalated' }, incident('came'), incident('calm', { calm: true })]
    position = 9000
    emit('reset', {}, '9000')
    await vi.waitFor(() => expect(sources).toHaveLength(2))
    expect(rang.sort()).toEqual(['came', 'taken'])
    expect(sources[1]!.url).toBe('/api/events?after=9000')
    expect(useIncidents().open).toHaveLength(4)
    live.end()
  })
})

describe('the choice among what was handled', () => {
  it('forgets the others, and keeps what the stream brought while it was asked', async () => {
    const handled = (id: string) => incident(id, { open: false, state: 'closed' })
    const incidents = useIncidents()
    serve({ 'open=true': { body: page([], 1) }, 'open=false': { body: page([handled('a'), handled('b')], 1) } })
    await incidents.load()
    const asked = serve({
      'open=false': () => {
        incidents.merge(handled('meanwhile'))
        return { body: page([handled('b')], 1) }
      },
    })
    const filter = { severity: [], rule: ['river'], point: [], state: [], assignee: [], q: '' }
    await incidents.choose(filter)
    await incidents.choose({ ...filter })
    expect(asked).toHaveLength(1)
    expect(incidents.handled.map(({ id }) => id).sort()).toEqual(['b', 'meanwhile'])
  })
})
