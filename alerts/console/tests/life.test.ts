import { describe, expect, it } from 'vitest'

import zh from '@/locales/zh'
import { inOrder, mayDo, nextStep, recommended, shouldCall } from '@/life'

import { incident } from './fixtures'

type Notice = ReturnType<typeof incident>['notices'][number]

function notice(changed: Partial<Notice>): Notice {
  return {
    receiver: 'police',
    mode: 'live',
    state: 'pending',
    attempts: 0,
    outcome: '',
    last_error: '',
    finished_at: null,
    ...changed,
  }
}

describe('the next step', () => {
  it.each([
    ['new', 'there', [], 'new_there', 'acknowledge', false],
    ['escalated', 'there', [], 'new_there', 'acknowledge', false],
    ['broadcasting', 'there', [], 'broadcasting', undefined, false],
    ['dispatched', 'there', [], 'dispatched', 'handle', false],
    ['handled', 'left', [], 'handled', 'close', false],
    ['new', 'unknown', [], 'new_unknown', 'acknowledge', false],
    ['acknowledged', 'there', [], 'acknowledged_there', 'confirm', false],
    ['acknowledged', 'left', [], 'acknowledged_left', 'close', false],
    ['acknowledged', 'unknown', [], 'acknowledged_unknown', 'confirm', true],
    ['confirmed', 'there', [], 'confirmed_none', 'close', true],
    ['confirmed', 'there', [notice({})], 'confirmed_pending', 'close', false],
    ['confirmed', 'there', [notice({ state: 'delivered' })], 'confirmed_delivered', 'close', false],
    ['confirmed', 'there', [notice({ state: 'dead' })], 'confirmed_failed', 'close', true],
    ['confirmed', 'there', [notice({ state: 'delivered', mode: 'drill' })], 'confirmed_none', 'close', true],
    ['confirmed', 'left', [notice({ state: 'delivered' }), notice({})], 'confirmed_pending', 'close', false],
  ] as const)('of one %s with somebody %s', (stage, presence, notices, step, action, call) => {
    const confirmed = stage === 'confirmed'
    const one = incident('a', {
      state: confirmed ? 'acknowledged' : stage,
      confirmed_at: confirmed ? '2026-07-01T08:00:00Z' : null,
      presence,
      notices: [...notices],
    })
    expect(nextStep(one)).toBe(step)
    expect(recommended(one)).toBe(action)
    expect(shouldCall(one)).toBe(call)
    expect(zh.next).toHaveProperty(step)
  })

  it('is none once it is handled', () => {
    expect(nextStep(incident('a', { state: 'closed', open: false }))).toBe('')
  })
})

describe('the wall', () => {
  it('shows first what needs a person', () => {
    const name = { zh: 'x', en: 'x' }
    const due = { name, state: 'due' as const, at: null, automatic: false, live: true, receivers: [] }
    const all = [
      incident('muted', { muted: 'trial', calm: true, severity: 'critical' }),
      incident('life', { muted: 'trial', severity: 'high' }),
      incident('calm', { state: 'broadcasting', severity: 'critical' }),
      incident('taken', { state: 'acknowledged', severity: 'critical' }),
      incident('late', { state: 'dispatched', severity: 'critical', overdue: true }),
      incident('due', { state: 'acknowledged', severity: 'high', tiers: [due] }),
      incident('low', { state: 'escalated', severity: 'low' }),
    ]
    expect(all.sort(inOrder).map((i) => i.id)).toEqual(['late', 'life', 'due', 'low', 'taken', 'calm', 'muted'])
  })

  it('lets a worker do what is theirs', () => {
    const me = { operator: 'w', name: 'W', role: 'worker', stands_for: ['w', 'north'], expires_at: '', must_change: false, configured: false } as const
    const theirs = { id: 'north', name: 'N', kind: 'cell', points: [], contact: null } as const
    const asked = { ...me, stands_for: [...me.stands_for] }
    expect(mayDo(incident('a'), asked)).toEqual([])
    expect(mayDo(incident('a', { assignee: { ...theirs, points: [] } }), asked)).toEqual(['acknowledge'])
    expect(mayDo(incident('a'), { ...asked, role: 'operator' })).toContain('confirm')
  })
})
