import type { Camera, SiteMap } from '@/api/client'
import { metresBetween } from '@/map/datum'

export interface Spot {
  key: string
  camera: string
  zone: string
  name: string
  point: SiteMap['points'][number]
  enabled: boolean
}

/** Every zone of every camera, by its point: where somebody can walk. */
export const spotsOf = (map: SiteMap, cameras: Camera[]): Spot[] =>
  map.points.flatMap((point) =>
    point.zones.map(({ camera, id, name }) => {
      const known = cameras.find((one) => one.id === camera)
      const enabled = known?.condition !== 'disabled'
      return { key: `${camera}/${id}`, camera, zone: id, name: `${known?.name ?? camera} · ${name}`, point, enabled }
    }),
  )

export interface Measured {
  metres: number
  accuracyM: number
}

/** How far this device is from a point, by its own position; rejects where there is none. */
export function measure(point: Spot['point']): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const { place } = point
    if (!place || !('geolocation' in navigator)) return reject(new Error('nowhere'))
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const here = { longitude: coords.longitude, latitude: coords.latitude, datum: 'wgs84' as const }
        resolve({ metres: Math.round(metresBetween(place, here)), accuracyM: Math.round(coords.accuracy) })
      },
      reject,
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 },
    )
  })
}
