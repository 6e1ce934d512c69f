import type { Feature, FeatureCollection, LineString } from 'geojson'

const M_PER_DEGREE = 111_320
const LINES = 8

/** Lines of a grid that is easy to count over a view: a round number of metres apart. */
export interface Grid {
  metres: number
  lines: FeatureCollection<LineString>
}

/** 1, 2 or 5 of some power of ten, the nearest above. */
export function round(metres: number): number {
  const power = 10 ** Math.floor(Math.log10(metres))
  return power * ([1, 2, 5, 10].find((n) => n * power >= metres) ?? 10)
}

export function gridOf(west: number, south: number, east: number, north: number): Grid {
  const middle = Math.cos((((south + north) / 2) * Math.PI) / 180)
  const metres = round(Math.max(((east - west) * M_PER_DEGREE * middle) / LINES, 1))
  const [dx, dy] = [metres / (M_PER_DEGREE * middle), metres / M_PER_DEGREE]
  const lines = [
    ...steps(west, east, dx).map((x) => line([x, south], [x, north])),
    ...steps(south, north, dy).map((y) => line([west, y], [east, y])),
  ]
  return { metres, lines: { type: 'FeatureCollection', features: lines } }
}

function steps(from: number, to: number, by: number): number[] {
  const first = Math.ceil(from / by)
  return Array.from({ length: Math.max(0, Math.floor(to / by) - first + 1) }, (_, i) => (first + i) * by)
}

const line = (...coordinates: [number, number][]): Feature<LineString> => ({
  type: 'Feature',
  properties: {},
  geometry: { type: 'LineString', coordinates },
})
