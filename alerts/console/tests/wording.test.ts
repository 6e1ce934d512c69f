import { describe, expect, it } from 'vitest'

import zh from '@/locales/zh.json'
import { nextStep, recommended, shouldCall } from '@/wording'

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
    ['open', 'there', [], 'open_there', 'acknowledge', false],
    ['open', 'unknown', [], 'open_unknown', 'acknowledge', false],
    ['acknowledged', 'there', [], 'acknowledged_there', 'confirm', false],
    ['acknowledged', 'left', [], 'acknowledged_left', 'close', false],
    ['acknowledged', 'unknown', [], 'acknowledged_unknown', 'confirm', true],
    ['confirmed', 'there', [], 'confirmed_none', 'close', true],
    ['confirmed', 'there', [notice({})], 'confirmed_pending', 'close', false],
    ['confirmed', 'there', [notice({ state: 'delivered' })], 'confirmed_delivered', 'close', false],
    ['confirmed', 'there', [notice({ state: 'dead' })], 'confirmed_failed', 'close', true],
    ['confirmed', 'there', [notice({ state: 'delivered', mode: 'drill' })], 'confirmed_none', 'close', true],
    ['confirmed', 'left', [notice({ state: 'delivered' }), notice({})], 'confirmed_pending', 'close', false],
  ] as const)('of one %s with somebody %s', (state, presence, notices, step, action, call) => {
    const one = incident('a', { state, presence, notices: [...notices] })
    expect(nextStep(one)).toBe(step)
    expect(recommended(one)).toBe(action)
    expect(shouldCall(one)).toBe(call)
    expect(zh.next).toHaveProperty(step)
  })

  it('is none once it is handled', () => {
    expect(nextStep(incident('a', { state: 'closed', open: false }))).toBe('')
  })
})
