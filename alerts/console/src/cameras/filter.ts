import type { Camera } from '@/api/client'

/** What a camera is, for who looks for those that need somebody: in the order in which they are shown. */
export const STATES = ['offline', 'faulty', 'degraded', 'unknown', 'online', 'disabled'] as const
export type CameraState = (typeof STATES)[number]

/** What is looked for; "" is everything. */
export interface CameraFilter {
  q: string
  state: string
  point: string
  kind: string
}

/** Its condition, or that something is wrong with what it shows. */
export const stateOf = ({ condition, faults }: Camera): CameraState => (condition === 'online' && faults.length ? 'faulty' : condition)

/** Whether a camera, whose source is of that kind, is what is looked for. Words may stand in any of its names. */
export function isWanted(camera: Camera, kind: string, { q, state, point, kind: wanted }: CameraFilter): boolean {
  const names = `${camera.id} ${camera.name} ${camera.point.name}`.toLocaleLowerCase()
  return (
    (!state || stateOf(camera) === state) &&
    (!point || camera.point.id === point) &&
    (!wanted || kind === wanted) &&
    q
      .toLocaleLowerCase()
      .split(/\s+/)
      .every((word) => names.includes(word))
  )
}

/** Those that need somebody first; else as the configuration has them. */
export const inOrder = (cameras: readonly Camera[]): Camera[] =>
  cameras.toSorted((a, b) => STATES.indexOf(stateOf(a)) - STATES.indexOf(stateOf(b)))
