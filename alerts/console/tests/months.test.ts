import { describe, expect, it } from 'vitest'

import { monthOf, monthsBack, spanOf } from '@/months'

const NOW = Date.parse('2026-01-31T20:00:00Z')

describe('the time of a report', () => {
  it.each([
    ['2026-07', 'Asia/Shanghai', '2026-06-30T16:00:00.000Z', '2026-07-31T16:00:00.000Z'],
    ['2026-12', 'Asia/Shanghai', '2026-11-30T16:00:00.000Z', '2026-12-31T16:00:00.000Z'],
    // It has only begun.
    ['2026-02', 'Asia/Shanghai', '2026-01-31T16:00:00.000Z', '2026-01-31T20:00:00.000Z'],
    // Clocks change between its ends.
    ['2026-03', 'Europe/Berlin', '2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z'],
    ['7', 'Asia/Shanghai', '2026-01-24T20:00:00.000Z', '2026-01-31T20:00:00.000Z'],
    ['nonsense', 'Asia/Shanghai', '2026-01-24T20:00:00.000Z', '2026-01-31T20:00:00.000Z'],
  ])('%s in %s', (text, zone, from, to) => {
    expect(spanOf(text, NOW, zone)).toEqual({ from, to })
  })

  it('is one of the months that have begun where people live', () => {
    expect(monthsBack(NOW, 'Asia/Shanghai', 3)).toEqual(['2026-02', '2026-01', '2025-12'])
    expect(monthsBack(NOW, 'UTC', 2)).toEqual(['2026-01', '2025-12'])
  })

  it.each(['2026-13', '26-01', '', '2026-1'])('is no month: %s', (text) => {
    expect(monthOf(text)).toBeUndefined()
  })
})
