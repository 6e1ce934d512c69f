import { describe, expect, it } from 'vitest'

import { fromInput, toInput } from '@/zoned'

describe('a time of the clock on the wall', () => {
  it.each([
    ['2026-07-01T18:00', 'Asia/Shanghai', '2026-07-01T10:00:00.000Z'],
    ['2026-01-01T00:30', 'Asia/Shanghai', '2025-12-31T16:30:00.000Z'],
    ['2026-07-01T18:00', 'Europe/Berlin', '2026-07-01T16:00:00.000Z'],
  ])('%s in %s is one moment, and shown as it was typed', (text, zone, moment) => {
    expect(fromInput(text, zone)).toBe(moment)
    expect(toInput(moment, zone)).toBe(text)
  })

  it('is none where nothing was typed', () => {
    expect(fromInput('', 'Asia/Shanghai')).toBeNull()
    expect(toInput(null, 'Asia/Shanghai')).toBe('')
  })
})
