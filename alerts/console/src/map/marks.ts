import type { Camera, Incident, MapSpeaker, Place, SiteMap } from '@/api/client'
import { inOrder } from '@/life'
import { type Datum, drawnAt, type LngLat, metresBetween } from '@/map/datum'

export type Worth = Camera['condition'] | 'none'

interface At {
  key: string
  at: LngLat
}
export interface PointMark extends At {
  kind: 'point'
  id: string
  name: string
  worth: Worth
  cameras: number
  alerts: Incident[]
}
export interface SpeakerMark extends At {
  kind: 'speaker'
  id: string
  health: MapSpeaker['health']
  /** It stands at its point, where others stand as well: its place among them. */
  among: number
}
export type Mark = PointMark | SpeakerMark

const WORST: Worth[] = ['offline', 'unknown', 'degraded', 'disabled', 'online', 'none']

/** The worst that any of some cameras is worth. */
export const worst = (cameras: Camera[]): Worth =>
  WORST.find((worth) => cameras.some((camera) => worthOf(camera) === worth)) ?? 'none'

const worthOf = (camera: Camera): Worth => (camera.condition === 'online' && camera.faults.length ? 'degraded' : camera.condition)

/** Cameras and incidents by the point at which they are. */
export function byPoint<T extends { point: { id: string } }>(all: Iterable<T>): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const one of all) found.set(one.point.id, [...(found.get(one.point.id) ?? []), one])
  return found
}

/** Whether there is nothing to see to: in a crowd a dot says as much. */
export const isCalm = (mark: Mark): boolean =>
  mark.kind === 'speaker' ? mark.health === 'ready' : !mark.alerts.length && ['online', 'none'].includes(mark.worth)

const urgency = (mark: Mark): number => (mark.kind === 'point' ? 2 * mark.alerts.length : 0) + Number(!isCalm(mark))

/** Everything that has a place, in the order in which it is drawn: what is urgent comes last, on top. */
export function marksOf(map: SiteMap, cameras: Camera[], open: Incident[], datum: Datum): Mark[] {
  const [there, alerts] = [byPoint(cameras), byPoint(open)]
  const points = map.points.flatMap((point): PointMark[] => {
    if (!point.place) return []
    const here = there.get(point.id) ?? []
    const own = { id: point.id, name: point.name, worth: worst(here), cameras: here.length, alerts: (alerts.get(point.id) ?? []).toSorted(inOrder) }
    return [{ kind: 'point', key: `point ${point.id}`, at: drawnAt(point.place, datum), ...own }]
  })
  const standing = new Map<string, number>()
  const speakers = map.speakers.flatMap(({ id, place, own_place: own, point, health }): SpeakerMark[] => {
    if (!place) return []
    const among = own ? 0 : (standing.get(point?.id ?? '') ?? 0) + 1
    if (point && !own) standing.set(point.id, among)
    return [{ kind: 'speaker', key: `speaker ${id}`, at: drawnAt(place, datum), id, health, among }]
  })
  return [...speakers, ...points].toSorted((a, b) => urgency(a) - urgency(b))
}

export interface Near {
  speaker: MapSpeaker
  metres: number
}

/** The speakers that have a place, the nearest to `place` first. */
export const nearest = (map: SiteMap, place: Place): Near[] =>
  map.speakers
    .flatMap((speaker) => (speaker.place ? [{ speaker, metres: metresBetween(place, speaker.place) }] : []))
    .toSorted((a, b) => a.metres - b.metres)
