import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import type { Incident, IncidentChanged } from '@/api/client'
import { isAlarming } from '@/life'
import { type Connection, LiveStream } from '@/live/stream'

import { useCameras } from './cameras'
import { useIncidents } from './incidents'
import { useSession } from './session'

const ALARMING: IncidentChanged['change']['kind'][] = ['opened', 'raised', 'returned', 'escalated', 'overdue', 'tier_due', 'heard']

/** The connection to the server: what state it is in, and what it brings into the other stores. */
export const useLive = defineStore('live', () => {
  const incidents = useIncidents()
  const cameras = useCameras()
  const session = useSession()

  const connection = ref<Connection>('connecting')
  const lostAt = ref<number>()
  const loadFailed = ref(false)
  /** Changes that came since the connection was lost, until it is live again. */
  const missed = ref(0)
  /** How far the server's clock is ahead of this one, in milliseconds. */
  const clockOffsetMs = ref(0)
  const stale = computed(() => lostAt.value !== undefined)
  const listeners = new Set<(incident: Incident) => void>()
  const calls = new Set<(incident: Incident, person: string) => void>()
  const recoveries = new Set<(missed: number) => void>()

  const stream = new LiveStream({
    change,
    cameras: (event) => cameras.merge(event.cameras),
    heartbeat: (event) => (clockOffsetMs.value = Date.parse(event.now) - Date.now()),
    reset: () => void begin(),
    refused: () => void session.check(),
    connection: (state) => {
      if (state === 'live' && lostAt.value !== undefined) {
        recoveries.forEach((tell) => tell(missed.value))
        lostAt.value = undefined
      }
      if (state === 'lost' && lostAt.value === undefined) {
        lostAt.value = Date.now()
        missed.value = 0
      }
      connection.value = state
    },
  })

  function change(event: IncidentChanged): void {
    const { change, incident } = event
    const known = incidents.byId.get(change.incident_id)
    if (!incidents.apply(event)) return
    missed.value += 1
    // The incident comes as it is now: one that somebody has dealt with meanwhile, or that a speaker still
    // deals with, or that nobody is to hear of, needs no alarm.
    const calm = !incident.open || incident.calm || incident.state === 'broadcasting'
    const turned = isAlarming(incident) && known !== undefined && !isAlarming(known)
    if (change.kind === 'rung' && isAlarming(incident)) calls.forEach((tell) => tell(incident, String(change.data.person)))
    if (!calm && (turned || ALARMING.includes(change.kind))) listeners.forEach((tell) => tell(incident))
  }

  /**
   * Reads what there is, then follows what happens after it. Where something was known before, what needs somebody only
   * since then rings: of that the stream tells nothing any more.
   */
  async function begin(): Promise<void> {
    loadFailed.value = false
    const before = incidents.loaded ? new Set(incidents.open.filter(isAlarming).map(({ id }) => id)) : undefined
    try {
      await incidents.load()
    } catch {
      loadFailed.value = true
      await session.check()
      return
    }
    const since = before ? incidents.open.filter((incident) => isAlarming(incident) && !before.has(incident.id)) : []
    for (const incident of since) listeners.forEach((tell) => tell(incident))
    stream.start(incidents.position)
  }

  function end(): void {
    stream.stop()
    connection.value = 'connecting'
    lostAt.value = undefined
  }

  /** Calls `tell` for every incident that needs somebody now, once more where it grows; returns how to stop that. */
  function onAlarm(tell: (incident: Incident) => void): () => void {
    listeners.add(tell)
    return () => listeners.delete(tell)
  }

  /** Calls `tell` when somebody is called about an incident that nobody answers; returns how to stop that. */
  function onCall(tell: (incident: Incident, person: string) => void): () => void {
    calls.add(tell)
    return () => calls.delete(tell)
  }

  /** Calls `tell` when a lost connection is live again, with the number of changes that were missed. */
  function onRecovery(tell: (missed: number) => void): () => void {
    recoveries.add(tell)
    return () => recoveries.delete(tell)
  }

  return { connection, lostAt, stale, loadFailed, clockOffsetMs, begin, end, onAlarm, onCall, onRecovery }
})
