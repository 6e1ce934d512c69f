import { useI18n } from 'vue-i18n'

import type { Action, Camera, Change, Incident, NoticeStatus, Words } from '@/api/client'
import { nextStep } from '@/life'
import { useSession } from '@/stores/session'
import { useTime } from '@/time'

/** What the page says about an incident, in the chosen language. */
export function useWording() {
  const { t, te, locale } = useI18n()
  const time = useTime()
  const session = useSession()

  /** Words in the chosen language; "" where there are none. */
  const inLanguage = (words: Words | undefined) => words?.[locale.value === 'en' ? 'en' : 'zh'] ?? ''
  const ruleName = (incident: Incident) => inLanguage(incident.rule.name)

  /** The text under `key`, in the words for what the incident is about where there are such. */
  function said(incident: Incident, key: string, values: Record<string, unknown> = {}, count = 1): string {
    const own = `about.${incident.about}.${key}`
    return t(te(own, 'zh') ? own : key, values, count)
  }

  /** How many there are, of what the incident is about. */
  const howMany = (incident: Incident) =>
    figures(incident) || said(incident, 'presence.people', { count: incident.people }, incident.people)

  /** The numbers beside an incident, such as riders that were counted or a water level; "" where there are none. */
  function figures(incident: Incident): string {
    const several = new Set(incident.figures.map((figure) => figure.source.id)).size > 1
    return incident.figures
      .map(({ source, name, value, unit }) => {
        const number = `${known('figure', name)} ${value.toLocaleString(locale.value)}${unit && ` ${unit}`}`
        return several ? `${source.name} ${number}` : number
      })
      .join(' · ')
  }

  /** When it began, and when it was over once it is. */
  function seenAt({ opened_at: begin, cleared_at: end, presence }: Incident): string {
    if (presence === 'left' && end) return `${time.clock(begin)}–${time.clock(end)}`
    return t('wall.opened_at', { time: time.clock(begin) })
  }

  /** A receiver, or who subscribes with it (receiver:number), as people call it. */
  function receiverName(id: string): string {
    const [there = id, number] = id.split(':')
    const found = session.community?.receivers.find((receiver) => receiver.id === there)
    const name = inLanguage(found?.name) || there
    return number ? t('notice.subscriber', { receiver: name, number: number.slice(-5) }) : name
  }

  /** A person, or a cell of the grid, as people call them. */
  function assigneeName(id: string): string {
    return session.community?.assignees.find((assignee) => assignee.id === id)?.name ?? id
  }

  /** The point and its zone; a zone without a name adds nothing. */
  function place(incident: Incident): string {
    const zone = incident.zone.name === incident.zone.id ? '' : incident.zone.name
    return zone ? `${incident.point.name} · ${zone}` : incident.point.name
  }

  /** The receiver's own word in the reader's language, or as it came. */
  function known(prefix: string, word: string): string {
    const key = `${prefix}.${word}`
    return te(key) || te(key, 'zh') ? t(key) : word
  }

  /** What is wrong with a camera, "" where nothing is. A code that is not known is shown as it came. */
  function whyText(reason: string | undefined, faults: readonly string[] = []): string {
    return [...faults, ...(reason && reason !== 'online' ? [reason] : [])].map((code) => known('why', code)).join(' · ')
  }

  /** What a camera is worth: its condition, or what is wrong where its stream is not. */
  function worthText({ condition, faults }: Camera): string {
    return condition === 'online' && faults.length ? whyText('', faults) : t(`cameras.${condition}`)
  }

  /** What a camera's condition alone does not say. */
  function moreText({ condition, reason, faults }: Camera): string {
    return whyText(reason, condition === 'online' ? [] : faults)
  }

  /** By how much a camera's clock is off, "" where nothing is known of it. */
  function clockText({ clock }: Camera): string {
    if (!clock) return ''
    const off = Math.abs(clock.offset_s)
    const text = t(clock.offset_s < 0 ? 'cameras.clock_behind' : 'cameras.clock_ahead', {
      offset: off < 60 ? time.latency(off) : time.duration(Math.round(off)),
      source: known('cameras.clock_source', clock.source),
      time: time.minute(clock.at),
    })
    return clock.trusted ? text : `${text} · ${t('cameras.clock_unsure')}`
  }

  function speechAnswer(speech: NonNullable<Incident['speech']>): string {
    if (speech.state === 'delivered') return known('speech.outcome', speech.outcome)
    return t(`speech.${speech.state}`)
  }

  function noticeText(notice: NoticeStatus): string {
    const { attempts } = notice
    const receiver = receiverName(notice.receiver)
    if (notice.state === 'pending' && notice.last_error) return t('notice.retrying', { receiver, attempts })
    const at = notice.finished_at ? time.clock(notice.finished_at) : ''
    return t(`notice.${notice.state}`, { receiver, time: at })
  }

  function actionName(action: Action, incident: Incident): string {
    const nobody = action === 'confirm' && !incident.confirm_notifies.length
    return nobody ? t('action.confirm_nobody') : t(`action.${action}`)
  }

  /** What the operator should do now, "" where nothing is left to do. */
  function nextText(incident: Incident): string {
    const step = nextStep(incident)
    return step && said(incident, `next.${step}`, { assignee: incident.assignee?.name ?? '' })
  }

  function changeText(change: Change, incident: Incident): string {
    const data = change.data as Record<string, string | undefined>
    if (change.kind === 'escalated' && data.silent) return t('change.escalated_unsaid')
    if (change.kind === 'evidence') return t(data.state === 'kept' ? 'change.evidence_kept' : 'change.evidence_missing')
    if (change.kind === 'clip') return t(data.state === 'kept' ? 'change.clip_kept' : data.reason === 'dropped' ? 'change.clip_dropped' : 'change.clip_missing')
    if (change.kind === 'receipt') return t(`change.receipt_${data.step}`, { receiver: receiverName(data.receiver ?? '') })
    const reason = data.silent ? known('speech.silent', data.silent) : ''
    const { people = '', receiver = '', assignee = '' } = data
    const tier = (locale.value === 'en' ? data.en : data.zh) ?? ''
    const person = data.name ?? ''
    const values = { people, receiver: receiverName(receiver), assignee: assigneeName(assignee), reason, tier, person }
    const what = said(incident, `change.${change.kind}`, values)
    const why = incident.about === 'device' ? whyText(data.reason, (change.data.faults as string[] | undefined) ?? []) : ''
    if (data.words) return t('change.in_words', { what, words: data.words })
    return why ? t('change.because', { what, why }) : what
  }

  const actorName = (by: Pick<Change, 'actor' | 'actor_name'>) =>
    by.actor === 'system' ? t('actor.system') : by.actor_name || by.actor

  return {
    said,
    howMany,
    seenAt,
    figures,
    inLanguage,
    ruleName,
    receiverName,
    place,
    known,
    worthText,
    moreText,
    whyText,
    clockText,
    speechAnswer,
    noticeText,
    actionName,
    nextText,
    changeText,
    actorName,
  }
}
