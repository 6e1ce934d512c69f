import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'

import { type Action, api, type Incident, type IncidentChanged, type IncidentPage, unwrap } from '@/api/client'
import type { paths } from '@/api/schema'
import { type Filter, noFilter } from '@/filters'
import { inOrder, newestFirst } from '@/life'

type Query = NonNullable<paths['/api/incidents']['get']['parameters']['query']>

/** Handled incidents kept here; a shift that handles more reads older ones again when asked. */
const MAX_HANDLED = 200
const PAGE_OPEN = 200
const PAGE_HANDLED = 12

/** The incidents of the wall. Whatever arrives in whatever order, the newest version of each is shown once. */
export const useIncidents = defineStore('incidents', () => {
  // Shallow: an incident is replaced and never changed, and sorting hundreds of proxies is slow.
  const byId = shallowRef(shallowReactive(new Map<string, Incident>()))
  const position = ref(0)
  const nextHandled = ref<string | null>(null)
  const loaded = ref(false)
  const busy = ref(new Set<string>())
  /** What of the handled ones the server is asked for. */
  let chosen = noFilter()

  const open = computed(() => [...byId.value.values()].filter((i) => i.open).sort(inOrder))
  const handled = computed(() => [...byId.value.values()].filter((i) => !i.open).sort(newestFirst))

  /** Takes an incident over unless a newer version of it is known. */
  function merge(incident: Incident): void {
    const known = byId.value.get(incident.id)
    if (known && known.version > incident.version) return
    byId.value.set(incident.id, incident)
    if (!incident.open) trim()
  }

  /** Takes a change of the stream over; false if it came before. */
  function apply(event: IncidentChanged): boolean {
    if (event.change.seq <= position.value) return false
    position.value = event.change.seq
    merge(event.incident)
    return true
  }

  /** Reads everything that is open and the newest of what was handled, forgetting what was known. */
  async function load(): Promise<void> {
    const openPages: IncidentPage[] = [await page(true, PAGE_OPEN)]
    for (let next = openPages[0]!.next; next; next = openPages.at(-1)!.next) {
      openPages.push(await page(true, PAGE_OPEN, next))
    }
    const handledPage = await page(false, PAGE_HANDLED)
    byId.value = shallowReactive(new Map())
    nextHandled.value = handledPage.next
    // What changed between two of these reads comes again with the stream, which does no harm.
    position.value = Math.min(...[...openPages, handledPage].map((p) => p.position))
    for (const incident of [...openPages, handledPage].flatMap((p) => p.incidents)) merge(incident)
    loaded.value = true
  }

  async function loadMoreHandled(): Promise<void> {
    if (!nextHandled.value) return
    const more = await page(false, PAGE_HANDLED, nextHandled.value)
    nextHandled.value = more.next
    more.incidents.forEach(merge)
  }

  /** Reads the newest handled ones that pass, and forgets the others: pages of two choices leave gaps. */
  async function choose(filter: Filter): Promise<void> {
    if (JSON.stringify(filter) === JSON.stringify(chosen)) return
    chosen = filter
    if (!loaded.value) return
    const before = handled.value
    const first = await page(false, PAGE_HANDLED)
    if (chosen !== filter) return
    // What the stream brought meanwhile is newer than this page.
    for (const incident of before) if (byId.value.get(incident.id) === incident) byId.value.delete(incident.id)
    nextHandled.value = first.next
    first.incidents.forEach(merge)
  }

  /** Does what an operator decided, and shows what the server made of it. */
  async function act(id: string, action: Action, note = '', assignee?: string): Promise<void> {
    busy.value.add(id)
    try {
      const request = api.POST('/api/incidents/{incident_id}/{action}', {
        params: { path: { incident_id: id, action } },
        body: { note, assignee },
      })
      merge(await unwrap(request))
    } finally {
      busy.value.delete(id)
    }
  }

  /** Reads one incident again, because what is known of it may be wrong. */
  async function refresh(id: string): Promise<void> {
    merge(await unwrap(api.GET('/api/incidents/{incident_id}', { params: { path: { incident_id: id } } })))
  }

  function page(isOpen: boolean, limit: number, before?: string): Promise<IncidentPage> {
    const { q: text, ...others } = chosen
    const about = isOpen ? {} : ({ ...others, text } as Partial<Query>)
    const query = { ...about, open: isOpen, limit, ...(before ? { before } : {}) }
    return unwrap(api.GET('/api/incidents', { params: { query } }))
  }

  function trim(): void {
    const surplus = handled.value.slice(MAX_HANDLED)
    if (!surplus.length) return
    for (const incident of surplus) byId.value.delete(incident.id)
    nextHandled.value = handled.value.at(-1)!.id
  }

  return { byId, open, handled, position, nextHandled, loaded, busy, merge, apply, load, loadMoreHandled, choose, act, refresh }
})
