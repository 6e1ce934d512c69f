import { describe, expect, it } from 'vitest'

import type { Quiet } from '@/api/client'
import { filterOf, isFiltering, noFilter, passes, withFilter } from '@/filters'
import { tiersToPress } from '@/life'
import { isQuieted, notifies, rings } from '@/live/ringing'

import { incident } from './fixtures'

const NOW = Date.parse('2026-07-01T08:00:00Z')
const MINUTE = 60_000
const named = (id: string) => ({ id, name: id })

function quiet(over: Partial<Quiet>): Quiet {
  const until = new Date(NOW + MINUTE).toISOString()
  const base = { id: 'q', severity: null, camera: null, rule: null, reason: 'r', author: 'a', author_name: 'A' }
  return { ...base, created_at: until, until, lifted_at: null, lifted_by_name: '', ...over }
}

const about = incident('1', { severity: 'medium', rule: { id: 'gate', name: { zh: '门', en: 'Gate' } }, camera: named('cam') })

describe('a quiet', () => {
  it.each([
    [{ severity: 'medium' }, true],
    [{ severity: 'high' }, false],
    [{ camera: named('cam') }, true],
    [{ camera: named('other') }, false],
    [{ rule: { id: 'gate', name: { zh: '门', en: 'Gate' } } }, true],
    [{ severity: 'medium', camera: named('other') }, false],
    [{ severity: 'medium', until: new Date(NOW).toISOString() }, false],
    [{ severity: 'medium', lifted_at: new Date(NOW).toISOString() }, false],
  ] as [Partial<Quiet>, boolean][])('%j keeps an incident from ringing: %s', (over, expected) => {
    expect(isQuieted(about, [quiet(over)], NOW)).toBe(expected)
    expect(rings(about, true, [quiet(over)], NOW)).toBe(!expected)
  })

  it('keeps nothing quiet where a life may be at stake, and neither does a sound that is off', () => {
    const vital = { ...about, vital: true }
    expect(rings(vital, false, [quiet({ severity: 'medium' })], NOW)).toBe(true)
    expect(notifies(vital, 'off', [quiet({ severity: 'medium' })], NOW)).toBe(true)
    expect(rings(about, false, [], NOW)).toBe(false)
  })

  it.each([
    ['off', false],
    ['critical', false],
    ['high', false],
    ['medium', true],
    ['low', true],
  ] as const)('of nobody, notifications from %s tell of a medium incident: %s', (from, expected) => {
    expect(notifies(about, from, [], NOW)).toBe(expected)
    expect(notifies(about, from, [quiet({ severity: 'medium' })], NOW)).toBe(false)
  })
})

describe('a filter', () => {
  it('goes into an address and comes back, beside what else stands there', () => {
    const filter = { ...noFilter(), severity: ['high', 'low'], state: ['new'], q: ' gate ' }
    const query = withFilter({ incident: '1', q: 'old', rule: 'gone' }, filter)
    expect(query).toEqual({ incident: '1', severity: ['high', 'low'], state: ['new'], q: 'gate' })
    expect(filterOf(query)).toEqual({ ...filter, q: 'gate' })
    expect(isFiltering(filterOf({ incident: '1' }))).toBe(false)
    expect(withFilter(query, noFilter())).toEqual({ incident: '1' })
  })

  it.each([
    [{ severity: ['medium'] }, true],
    [{ severity: ['high', 'critical'] }, false],
    [{ rule: ['gate'], severity: ['medium'] }, true],
    [{ state: ['closed'] }, false],
    [{ assignee: ['-'] }, true],
    [{ assignee: ['north'] }, false],
    [{ q: 'GAT' }, true],
    [{ q: 'cam' }, true],
    [{ q: 'nothing of it' }, false],
  ] as [Partial<ReturnType<typeof noFilter>>, boolean][])('%j lets an incident through: %s', (chosen, expected) => {
    expect(passes(about, { ...noFilter(), ...chosen })).toBe(expected)
  })
})

describe('whoever passes a case on', () => {
  const tier = (state: 'ahead' | 'due' | 'told', name: string) =>
    ({ name: { zh: name, en: name }, state, at: null, automatic: true, live: false, receivers: [] }) as const

  it('presses what is due, else the next one', () => {
    const names = (...tiers: ReturnType<typeof tier>[]) => tiersToPress(incident('1', { tiers: tiers.map((one) => ({ ...one, receivers: [] })) })).map((one) => one.name.zh)
    expect(names(tier('told', 'a'), tier('due', 'b'), tier('ahead', 'c'))).toEqual(['b'])
    expect(names(tier('told', 'a'), tier('ahead', 'b'), tier('ahead', 'c'))).toEqual(['b'])
    expect(names(tier('told', 'a'))).toEqual([])
  })
})
