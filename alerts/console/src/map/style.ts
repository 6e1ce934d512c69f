import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl'

import type { MapTiles, Plan } from '@/api/client'
import { type Datum, drawnAt } from '@/map/datum'

/** Colours of the map, of the theme that is in force. */
export interface Inks {
  ground: string
  line: string
  surface: string
  muted: string
  text: string
}

const WATER = /water|ocean|river|lake|sea/
const GREEN = /landcover|landuse|park|wood|forest|grass|natural|green/
const BUILT = /building/
const ROAD = /road|transportation|street|highway|rail|path/
const NAMED = /place|label|name|poi|housenumber/

/** The datum in which everything is drawn: that of the ground, or GPS's where there is none. */
export const datumOf = (tiles: MapTiles | null, plan: Plan | null): Datum => tiles?.datum ?? plan?.corners?.[0]?.datum ?? 'wgs84'

/** What MapLibre draws: tiles, above them the plan, above both the grid. Nothing is from elsewhere. */
export function styleOf(tiles: MapTiles | null, plan: Plan | null, inks: Inks, isDark: boolean, origin: string): StyleSpecification {
  const sources: Record<string, SourceSpecification> = { grid: { type: 'geojson', data: NOTHING } }
  const layers: LayerSpecification[] = [{ id: 'ground', type: 'background', paint: { 'background-color': inks.ground } }]
  const shade = isDark ? 0.55 : 1
  if (tiles) {
    const { kind: type, min_zoom: minzoom, max_zoom: maxzoom, bounds } = tiles
    sources.tiles = { type, tiles: [origin + tiles.url], minzoom, maxzoom, bounds, ...(type === 'raster' ? { tileSize: 256 } : {}) } as SourceSpecification
    if (type === 'raster') layers.push({ id: 'tiles', type: 'raster', source: 'tiles', paint: { 'raster-brightness-max': shade } })
    else layers.push(...tiles.layers.flatMap((layer) => drawn(layer, inks)), ...tiles.layers.filter((l) => NAMED.test(l) || ROAD.test(l)).map((l) => names(l, inks)))
  }
  if (plan?.corners) {
    const datum = datumOf(tiles, plan)
    const [a, b, c, d] = plan.corners.map((corner) => drawnAt(corner, datum))
    sources.plan = { type: 'image', url: origin + plan.url, coordinates: [a!, b!, c!, d!] }
    layers.push({ id: 'plan', type: 'raster', source: 'plan', paint: { 'raster-opacity': tiles ? 0.8 : 1, 'raster-brightness-max': shade, 'raster-fade-duration': 0 } })
  }
  layers.push({ id: 'grid', type: 'line', source: 'grid', layout: { visibility: tiles || plan?.corners ? 'none' : 'visible' }, paint: { 'line-color': inks.line } })
  // Without an address of glyphs each is drawn here, in the fonts of this machine.
  return { version: 8, sources, layers }
}

export const NOTHING = { type: 'FeatureCollection' as const, features: [] }

/** How a layer of vector tiles is drawn, by what its name says that it is: every maker has names of their own. */
function drawn(layer: string, inks: Inks): LayerSpecification[] {
  const own = { source: 'tiles', 'source-layer': layer }
  const fill = (color: string): LayerSpecification => ({ id: `fill ${layer}`, type: 'fill', ...own, filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': color } })
  const line = (color: string, width: number): LayerSpecification => ({ id: `line ${layer}`, type: 'line', ...own, filter: ['==', ['geometry-type'], 'LineString'], paint: { 'line-color': color, 'line-width': ['interpolate', ['linear'], ['zoom'], 10, width / 3, 18, width * 2] } })
  if (NAMED.test(layer)) return []
  if (WATER.test(layer)) return [fill('#7fb2d8'), line('#7fb2d8', 2)]
  if (GREEN.test(layer)) return [fill('#9fbf92')]
  if (BUILT.test(layer)) return [fill(inks.line)]
  return [line(ROAD.test(layer) ? inks.surface : inks.line, ROAD.test(layer) ? 4 : 1)]
}

function names(layer: string, inks: Inks): LayerSpecification {
  return {
    id: `names ${layer}`,
    type: 'symbol',
    source: 'tiles',
    'source-layer': layer,
    layout: { 'text-field': ['coalesce', ['get', 'name:zh'], ['get', 'name'], ''], 'text-size': 15, 'symbol-placement': ROAD.test(layer) ? 'line' : 'point' },
    paint: { 'text-color': inks.text, 'text-halo-color': inks.ground, 'text-halo-width': 1.5 },
  }
}
