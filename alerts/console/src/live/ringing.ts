import type { Incident, Quiet, Severity } from '@/api/client'

type About = Pick<Incident, 'severity' | 'vital'> & { rule: { id: string }; camera: { id: string } }

/** Whether somebody has said that consoles do not ring for such an incident now. */
export function isQuieted(incident: About, quiets: readonly Quiet[], now: number): boolean {
  return quiets.some(
    (quiet) =>
      !quiet.lifted_at &&
      Date.parse(quiet.until) > now &&
      (!quiet.severity || quiet.severity === incident.severity) &&
      (!quiet.rule || quiet.rule.id === incident.rule.id) &&
      (!quiet.camera || quiet.camera.id === incident.camera.id),
  )
}

/** Whether this console makes itself heard; where a life may be at stake nothing keeps it from that. */
export function rings(incident: About, sound: boolean, quiets: readonly Quiet[], now: number): boolean {
  return incident.vital || (sound && !isQuieted(incident, quiets, now))
}

/** From which severity on the browser itself tells; `off` is from none, and then only of a life at stake. */
export const NOTIFY_FROM = ['off', 'critical', 'high', 'medium', 'low'] as const
export type NotifyFrom = (typeof NOTIFY_FROM)[number]
const SEVERITIES: Severity[] = ['critical', 'high', 'medium', 'low']

export function notifies(incident: About, from: NotifyFrom, quiets: readonly Quiet[], now: number): boolean {
  if (incident.vital) return true
  return from !== 'off' && SEVERITIES.indexOf(incident.severity) <= SEVERITIES.indexOf(from) && !isQuieted(incident, quiets, now)
}
