import type { Stanza } from '@/api/client'
import { at, type Shape } from '@/cameras/shape'

type Corner = [number, number]

/** The corners of a zone, or the ends of a line; none of one that is not drawn yet. */
export function cornersOf(stanza: Stanza): Shape {
  const { polygon, start, end } = stanza as { polygon?: Corner[]; start?: Corner; end?: Corner }
  return (polygon ?? (start && end ? [start, end] : [])).map(([x, y]) => at(x, y))
}

/** A stanza with another shape, its keys in the order in which people write them. */
export function withCorners(stanza: Stanza, shape: Shape, closed: boolean): Stanza {
  const { polygon: _p, start: _s, end: _e, name, ...rest } = stanza
  const named = name === undefined ? {} : { name }
  return closed ? { ...named, polygon: shape, ...rest } : { ...named, start: shape[0], end: shape[1], ...rest }
}

/** An id that nobody has yet. */
export function freeId(name: string, taken: readonly string[]): string {
  for (let n = taken.length + 1; ; n++) if (!taken.includes(`${name}_${n}`)) return `${name}_${n}`
}
