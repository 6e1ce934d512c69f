import { serve } from './network'

import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'

import { ApiProblem } from '@/api/client'
import { useIncidents } from '@/stores/incidents'

import { changed, incident, page } from './fixtures'

beforeEach(() => setActivePinia(createPinia()))

describe('merging', () => {
  it('lets the newer version win, in whatever order they come', () => {
    const store = useIncidents()
    store.merge(incident('a', { version: 3, people: 3 }))
    store.merge(incident('a', { version: 2, people: 2 }))
    expect(store.byId.get('a')?.people).toBe(3)
    store.merge(incident('a', { version: 4, people: 4 }))
    expect(store.open.map((i) => i.people)).toEqual([4])
  })

  it('takes the same version again: it may carry a delivery that the first did not', () => {
    const store = useIncidents()
    store.merge(incident('a', { version: 2, silent: '' }))
    store.merge(incident('a', { version: 2, silent: 'late' }))
    expect(store.byId.get('a')?.silent).toBe('late')
  })

  it('orders by opening, newest first, the same for equal times', () => {
    const store = useIncidents()
    const times: [string, string][] = [
      ['b', '08:01'],
      ['d', '08:02'],
      ['a', '08:00'],
      ['c', '08:01'],
    ]
    for (const [id, at] of times) store.merge(incident(id, { opened_at: `2026-07-01T${at}:00Z` }))
    expect(store.open.map((i) => i.id)).toEqual(['d', 'c', 'b', 'a'])
  })

  it('moves what was handled from one list to the other', () => {
    const store = useIncidents()
    store.merge(incident('a'))
    store.merge(incident('a', { version: 2, open: false, state: 'closed', actions: [] }))
    expect(store.open).toEqual([])
    expect(store.handled.map((i) => i.id)).toEqual(['a'])
  })

  it('keeps a bounded number of handled ones, and knows where to read on', () => {
    const store = useIncidents()
    for (let n = 0; n < 205; n += 1) {
      const at = new Date(Date.UTC(2026, 6, 1, 0, n)).toISOString()
      store.merge(incident(`i${n}`, { open: false, state: 'closed', opened_at: at }))
    }
    store.merge(incident('open', { opened_at: '2020-01-01T00:00:00Z' }))
    expect(store.handled).toHaveLength(200)
    expect(store.nextHandled).toBe('i5')
    expect(store.open.map((i) => i.id)).toEqual(['open'])
  })
})

describe('the stream', () => {
  it('applies each change once', () => {
    const store = useIncidents()
    const first = changed(7, incident('a', { version: 1 }), 'opened')
    expect(store.apply(first)).toBe(true)
    expect(store.apply(changed(8, incident('a', { version: 2, people: 2 })))).toBe(true)
    expect(store.apply(first)).toBe(false)
    expect(store.byId.get('a')?.people).toBe(2)
    expect(store.position).toBe(8)
  })
})

describe('loading', () => {
  it('reads every page of the open ones and starts the stream at the oldest of the reads', async () => {
    const asked = serve({
      'before=b': { body: page([incident('a', { opened_at: '2026-07-01T07:00:00Z' })], 12) },
      'open=true': { body: page([incident('b')], 10, 'b') },
      'open=false': { body: page([incident('c', { open: false, state: 'closed' })], 13, 'c') },
    })
    const store = useIncidents()
    store.merge(incident('gone'))
    await store.load()
    expect(store.open.map((i) => i.id)).toEqual(['b', 'a'])
    expect(store.handled.map((i) => i.id)).toEqual(['c'])
    expect(store.position).toBe(10)
    expect(store.nextHandled).toBe('c')
    expect(asked).toHaveLength(3)
  })

  it('keeps what is shown when the server cannot be reached', async () => {
    serve({})
    const store = useIncidents()
    store.merge(incident('a'))
    await expect(store.load()).rejects.toMatchObject({ code: 'unreachable' })
    expect(store.open).toHaveLength(1)
  })
})

describe('acting', () => {
  it('shows what the server made of it, and is busy meanwhile', async () => {
    const store = useIncidents()
    store.merge(incident('a'))
    const asked = serve({
      '/a/acknowledge': () => {
        expect(store.busy.has('a')).toBe(true)
        return { body: incident('a', { version: 2, state: 'acknowledged' }) }
      },
    })
    await store.act('a', 'acknowledge')
    expect(asked).toEqual(['POST /api/incidents/a/acknowledge'])
    expect(store.byId.get('a')?.state).toBe('acknowledged')
    expect(store.busy.size).toBe(0)
  })

  it('says why it was refused, and changes nothing', async () => {
    const store = useIncidents()
    store.merge(incident('a'))
    serve({ '/a/close': { status: 409, body: { detail: 'the incident is closed', code: 'not_allowed' } } })
    await expect(store.act('a', 'close')).rejects.toEqual(new ApiProblem('not_allowed', 409, 0, 'the incident is closed'))
    expect(store.byId.get('a')?.state).toBe('new')
    expect(store.busy.size).toBe(0)
  })
})
