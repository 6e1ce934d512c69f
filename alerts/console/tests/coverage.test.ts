import { describe, expect, it } from 'vitest'

import type { CoveredZone } from '@/api/client'
import { gapsByPoint, isGap, patternOf } from '@/map/coverage'

const zone = (point: string, sight: CoveredZone['sight'], hearing: CoveredZone['hearing']): CoveredZone => ({
  point: { id: point, name: point },
  camera: { id: 'c', name: 'c' },
  zone: { id: 'z', name: 'z' },
  sight,
  hearing,
  walked_at: null,
  distance_m: null,
})

describe('coverage', () => {
  it.each([
    ['seen', 'heard', 'fine'],
    ['old', 'heard', 'soft'],
    ['seen', 'untried', 'soft'],
    ['missed', 'heard', 'sight'],
    ['untried', 'none', 'hearing'],
    ['disabled', 'faulty', 'both'],
    ['none', 'none', 'both'],
  ] as const)('draws %s and %s as %s', (sight, hearing, pattern) => {
    expect(patternOf(gapsByPoint([zone('p', sight, hearing)]).get('p')!)).toBe(pattern)
    expect(isGap(zone('p', sight, hearing))).toBe(pattern !== 'fine')
  })

  it('counts each zone of a point', () => {
    const gaps = gapsByPoint([zone('p', 'missed', 'heard'), zone('p', 'seen', 'none'), zone('p', 'old', 'heard'), zone('q', 'seen', 'heard')])
    expect(gaps.get('p')).toEqual({ zones: 3, sight: 1, hearing: 1, soft: 1 })
    expect(gaps.get('q')).toEqual({ zones: 1, sight: 0, hearing: 0, soft: 0 })
  })
})
