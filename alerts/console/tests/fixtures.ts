import type { Change, Incident, IncidentChanged, IncidentPage } from '@/api/client'

/** An incident as the server sends it, with what a test is about changed. */
export function incident(id: string, changed: Partial<Incident> = {}): Incident {
  return {
    id,
    version: 1,
    rule: { id: 'river', name: { zh: '规则', en: 'rule' } },
    about: 'people',
    subject: '',
    review: false,
    severity: 'high',
    state: 'new',
    open: true,
    presence: 'there',
    people: 1,
    figures: [],
    members_total: 1,
    place: 'lake',
    point: { id: 'lake', name: 'Lake' },
    camera: { id: 'cam', name: 'Camera' },
    zone: { id: 'bank', name: 'Bank' },
    duty_contact: null,
    opened_at: '2026-07-01T08:00:00Z',
    updated_at: '2026-07-01T08:00:00Z',
    last_seen_at: '2026-07-01T08:00:00Z',
    cleared_at: null,
    ended_at: null,
    spoken: 1,
    speakers: [],
    hushed_at: null,
    escalated_at: null,
    confirmed_by: null,
    confirmed_at: null,
    assignee: null,
    overdue: false,
    limit_at: null,
    tiers: [],
    ring: null,
    vital: false,
    handling: null,
    picture: null,
    speech: null,
    silent: '',
    muted: '',
    muted_by: '',
    calm: false,
    notices: [],
    confirm_notifies: ['police'],
    actions: ['acknowledge', 'confirm', 'assign', 'dispatch', 'close', 'false-alarm', 'permit'],
    ...changed,
  }
}

/** An event of the stream. */
export function changed(seq: number, of: Incident, kind: Change['kind'] = 'raised'): IncidentChanged {
  const change: Change = {
    seq,
    incident_id: of.id,
    version: of.version,
    kind,
    at: of.updated_at,
    actor: 'system',
    actor_name: '',
    data: {},
  }
  return { change, incident: of }
}

export function page(incidents: Incident[], position: number, next: string | null = null): IncidentPage {
  return { incidents, position, next }
}
