import type { Action, Incident, LoggedIn } from '@/api/client'

/** Every action in the order in which it is offered, and its key. */
export const ACTION_KEYS: Record<Action, string> = {
  acknowledge: 'A',
  confirm: 'C',
  dispatch: 'D',
  'false-alarm': 'F',
  close: 'X',
  handle: 'H',
  reopen: 'R',
  permit: 'P',
  assign: 'G',
  unassign: 'U',
  forward: 'E',
}
export const ACTIONS = Object.keys(ACTION_KEYS) as Action[]

/** What must be said with an action; the server asks for the same. */
export const NEEDS_NOTE: Action[] = ['handle', 'reopen', 'permit']
const OF_WORKERS: Action[] = ['acknowledge', 'handle']
export const NEEDS_ASSIGNEE: Action[] = ['assign', 'dispatch']

const ALARMING: Incident['state'][] = ['new', 'escalated']
const SEVERITIES: Incident['severity'][] = ['critical', 'high', 'medium', 'low']

/** Whether somebody must answer now. */
export const isAlarming = (incident: Incident) => ALARMING.includes(incident.state) && !incident.calm

/** Whether something waits for an operator to press it. */
export const isTierDue = (incident: Incident) => incident.tiers.some((tier) => tier.state === 'due')

/** Whether it is given to the one who is logged in, or to where they work. */
export const isMine = (incident: Incident, me: LoggedIn | null | undefined) =>
  Boolean(incident.assignee && me?.stands_for.includes(incident.assignee.id))

/** What the one who is logged in may do to an incident: a worker takes their own ones and says what came of them. */
export function mayDo(incident: Incident, me: LoggedIn | null | undefined): Action[] {
  const possible = ACTIONS.filter((action) => incident.actions.includes(action))
  if (me?.role === 'viewer' || me?.role === 'auditor') return []
  if (me?.role !== 'worker') return possible
  return isMine(incident, me) ? possible.filter((action) => OF_WORKERS.includes(action)) : []
}

/** What needs a person comes first, then what people have taken, then what a speaker is dealing with. */
function urgency(incident: Incident): number {
  if (incident.calm) return SEVERITIES.length + 2
  if (isAlarming(incident) || incident.overdue || isTierDue(incident)) return SEVERITIES.indexOf(incident.severity)
  return SEVERITIES.length + (incident.state === 'broadcasting' ? 1 : 0)
}

/** The tiers that hear of it if somebody passes it on now: those that are due, else the next one. */
export function tiersToPress(incident: Incident): Incident['tiers'] {
  const due = incident.tiers.filter((tier) => tier.state === 'due')
  return due.length ? due : incident.tiers.filter((tier) => tier.state === 'ahead').slice(0, 1)
}

/** The order of the wall: the most urgent first, of those the newest. */
export function inOrder(a: Incident, b: Incident): number {
  return urgency(a) - urgency(b) || newestFirst(a, b)
}

export function newestFirst(a: Incident, b: Incident): number {
  if (a.opened_at !== b.opened_at) return a.opened_at < b.opened_at ? 1 : -1
  return a.id < b.id ? 1 : -1
}

/** The next step as a key of `next`. */
export function nextStep(incident: Incident): string {
  if (!incident.open) return ''
  if (ALARMING.includes(incident.state)) return `new_${incident.presence}`
  if (incident.state !== 'acknowledged') return incident.state
  if (!incident.confirmed_at) return `acknowledged_${incident.presence}`
  const live = incident.notices.filter((notice) => notice.mode === 'live')
  if (!live.length) return 'confirmed_none'
  if (live.some((notice) => notice.state === 'dead' || notice.state === 'expired')) return 'confirmed_failed'
  return live.every((notice) => notice.state === 'delivered') ? 'confirmed_delivered' : 'confirmed_pending'
}

const CALLS = ['confirmed_none', 'confirmed_failed', 'acknowledged_unknown']

/** Whether the next step is a call to whoever is on duty there. */
export const shouldCall = (incident: Incident) => CALLS.includes(nextStep(incident))

/** The action that most often comes next: it is the one that stands out. */
export function recommended(incident: Incident): Action | undefined {
  if (isTierDue(incident) && incident.actions.includes('forward')) return 'forward'
  if (ALARMING.includes(incident.state)) return 'acknowledge'
  if (incident.state === 'dispatched') return 'handle'
  if (incident.state === 'handled') return 'close'
  if (incident.state !== 'acknowledged') return undefined
  return incident.confirmed_at || incident.presence === 'left' ? 'close' : 'confirm'
}
