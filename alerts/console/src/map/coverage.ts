import type { CoveredZone } from '@/api/client'

/** How many zones of a point have which gap; `soft` ones are not tried, or long ago. */
export interface PointGaps {
  zones: number
  sight: number
  hearing: number
  soft: number
}

const UNSEEN = new Set<CoveredZone['sight']>(['missed', 'offline', 'disabled', 'none'])
const UNHEARD = new Set<CoveredZone['hearing']>(['not_heard', 'faulty', 'none'])

export const isUnseen = (zone: CoveredZone) => UNSEEN.has(zone.sight)
export const isUnheard = (zone: CoveredZone) => UNHEARD.has(zone.hearing)
/** Nobody knows, or not any more. */
export const isUntried = (zone: CoveredZone) => zone.sight === 'untried' || zone.sight === 'old' || zone.hearing === 'untried'
export const isGap = (zone: CoveredZone) => isUnseen(zone) || isUnheard(zone) || isUntried(zone)

export function gapsByPoint(zones: CoveredZone[]): Map<string, PointGaps> {
  const found = new Map<string, PointGaps>()
  for (const zone of zones) {
    const gaps = found.get(zone.point.id) ?? { zones: 0, sight: 0, hearing: 0, soft: 0 }
    gaps.zones += 1
    gaps.sight += Number(isUnseen(zone))
    gaps.hearing += Number(isUnheard(zone))
    gaps.soft += Number(isUntried(zone) && !isUnseen(zone) && !isUnheard(zone))
    found.set(zone.point.id, gaps)
  }
  return found
}

export type Pattern = 'both' | 'sight' | 'hearing' | 'soft' | 'fine'

/** What is drawn around a point: the pattern says it as well as the colour does. */
export function patternOf({ sight, hearing, soft }: PointGaps): Pattern {
  if (sight && hearing) return 'both'
  if (sight) return 'sight'
  if (hearing) return 'hearing'
  return soft ? 'soft' : 'fine'
}
