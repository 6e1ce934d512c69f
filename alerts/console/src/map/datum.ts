import gcoord from 'gcoord'

import type { Place } from '@/api/client'

export type Datum = Place['datum']
export type LngLat = [number, number]

/** CGCS2000 and WGS-84 are decimetres apart: on a map they are one. */
const system = (datum: Datum) => (datum === 'gcj02' ? gcoord.GCJ02 : gcoord.WGS84)

/** Where a place is drawn on a map of that datum. Good to some metres: for looking at, never for telling others. */
export function drawnAt(place: Place, datum: Datum): LngLat {
  const at: LngLat = [place.longitude, place.latitude]
  return system(place.datum) === system(datum) ? at : gcoord.transform(at, system(place.datum), system(datum))
}

const EARTH_M = 6_371_009
const radians = (degrees: number) => (degrees * Math.PI) / 180

/** How far two places are apart, in metres, whatever datum each was measured in. */
export function metresBetween(a: Place, b: Place): number {
  const [[west, south], [east, north]] = [drawnAt(a, 'wgs84'), drawnAt(b, 'wgs84')]
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2
  const share = half(north - south) + Math.cos(radians(south)) * Math.cos(radians(north)) * half(east - west)
  return 2 * EARTH_M * Math.asin(Math.sqrt(share))
}
