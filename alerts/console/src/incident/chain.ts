import type { Change, IncidentDetail } from '@/api/client'

type Delivery = IncidentDetail['deliveries'][number]
type Who = 'frame' | 'detection' | 'decision' | 'command' | 'answer' | 'people' | 'system'

/** One step: who did it, when, and how many seconds after what led to it. */
export interface Step {
  key: string
  at: string
  who: Who
  tookS?: number
  hop?: string
  change?: Change
  delivery?: Delivery
}

/** Said by the steps of the deliveries already, in more words. */
const OF_DELIVERIES = new Set<Change['kind']>(['delivered', 'delivery_failed'])

const seconds = (from: string, to: string) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000)

/** Everything that led from a frame to people, in the order in which it happened. */
export function chainOf({ hops, deliveries, timeline }: IncidentDetail): Step[] {
  const passed = [
    { hop: 'captured', who: 'frame', at: hops.captured_at },
    { hop: 'published', who: 'frame', at: hops.published_at },
    { hop: 'detected', who: 'detection', at: hops.detected_at },
    { hop: 'decided', who: 'decision', at: hops.decided_at },
  ].filter((step): step is { hop: string; who: Who; at: string } => Boolean(step.at))
  const frames = passed.map((step, i): Step => ({ key: step.hop, ...step, ...(i ? { tookS: seconds(passed[i - 1]!.at, step.at) } : {}) }))
  const decided = passed.at(-1)!.at
  const told = deliveries.flatMap((delivery): Step[] => {
    const command: Step = { key: `to ${delivery.id}`, who: 'command', at: delivery.created_at, delivery }
    // The first ones follow from the decision; later ones from what people did, which stands just above them.
    if (seconds(decided, delivery.created_at) < 5) command.tookS = seconds(decided, delivery.created_at)
    if (!delivery.finished_at) return [command]
    const tookS = seconds(delivery.created_at, delivery.finished_at)
    return [command, { key: `from ${delivery.id}`, who: 'answer', at: delivery.finished_at, tookS, delivery }]
  })
  const happened = timeline
    .filter((change) => !OF_DELIVERIES.has(change.kind))
    .map((change): Step => ({ key: `${change.seq}`, who: change.actor === 'system' ? 'system' : 'people', at: change.at, change }))
  // Whatever an incident's own changes are dated by, a picture was taken before anybody heard of it.
  return [...frames, ...[...happened, ...told].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))]
}

/** Changes that say why nothing was said, or nobody heard of it. */
export const heldBack = (timeline: Change[]): Change[] => timeline.filter((change) => typeof change.data.silent === 'string' && change.data.silent)
