import type { LocationQuery } from 'vue-router'

import type { Incident } from '@/api/client'

/** What of the incidents is shown: of each, any of the values; of several, all of them. Empty leaves nothing out. */
export const CHOSEN = ['severity', 'rule', 'point', 'state', 'assignee'] as const
export type Chosen = (typeof CHOSEN)[number]
export type Filter = Record<Chosen, string[]> & { q: string }

export const NOBODY = '-'

export const noFilter = (): Filter => ({ severity: [], rule: [], point: [], state: [], assignee: [], q: '' })

/** The filter that an address holds; the rest of the address is somebody else's. */
export function filterOf(query: LocationQuery): Filter {
  const filter = noFilter()
  for (const key of CHOSEN) {
    const value = query[key]
    filter[key] = (Array.isArray(value) ? value : [value]).filter((one): one is string => Boolean(one))
  }
  filter.q = typeof query.q === 'string' ? query.q : ''
  return filter
}

/** An address with the filter, and everything else as it was. */
export function withFilter(query: LocationQuery, filter: Filter): LocationQuery {
  const { q, ...chosen } = filter
  const kept = Object.entries(query).filter(([key]) => key !== 'q' && !CHOSEN.includes(key as Chosen))
  const set = Object.entries(chosen).filter(([, values]) => values.length)
  return Object.fromEntries([...kept, ...set, ...(q.trim() ? [['q', q.trim()]] : [])]) as LocationQuery
}

export const isFiltering = (filter: Filter) => Boolean(filter.q.trim()) || CHOSEN.some((key) => filter[key].length > 0)

const has = (values: string[], value: string) => !values.length || values.includes(value)

/** Whether an incident is shown; the server chooses among what was handled in the same way. */
export function passes(incident: Incident, filter: Filter): boolean {
  const { rule, point, camera, assignee, subject, id } = incident
  if (!has(filter.severity, incident.severity) || !has(filter.rule, rule.id) || !has(filter.point, point.id)) return false
  if (!has(filter.state, incident.state) || !has(filter.assignee, assignee?.id ?? NOBODY)) return false
  const text = filter.q.trim().toLowerCase()
  if (!text) return true
  const named = [rule.name.zh, rule.name.en, point.name, camera.name, assignee?.name ?? '', subject]
  return id.startsWith(text) || named.some((words) => words.toLowerCase().includes(text))
}
