import { computed, type ComputedRef, ref } from 'vue'
import { useI18n } from 'vue-i18n'

import { useLive } from '@/stores/live'
import { useSession } from '@/stores/session'

/** This browser's time in milliseconds, moving every second: one timer for the whole page. */
const tick = ref(Date.now())
setInterval(() => (tick.value = Date.now()), 1000)

type Moment = string | number
type Formats = Record<keyof typeof OPTIONS, Intl.DateTimeFormat>

const OPTIONS = {
  day: { month: 'numeric', day: 'numeric', weekday: 'short' },
  minute: { hour: '2-digit', minute: '2-digit' },
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  precise: { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
} satisfies Record<string, Intl.DateTimeFormatOptions>
const made = new Map<string, Formats>()

/** Returns the formats of a language and a zone. Each is large and slow to make, and every component asks for them. */
function formatsOf(tag: string, timeZone: string): Formats {
  const key = `${tag} ${timeZone}`
  const known = made.get(key)
  if (known) return known
  const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(tag, { ...options, hourCycle: 'h23', timeZone })
  const formats = Object.fromEntries(Object.entries(OPTIONS).map(([name, options]) => [name, make(options)])) as Formats
  made.set(key, formats)
  return formats
}

/** Times as people read them, in the community's zone and on the server's clock. */
export function useTime() {
  const { t, locale } = useI18n()
  const live = useLive()
  const session = useSession()
  const now: ComputedRef<number> = computed(() => tick.value + live.clockOffsetMs)
  const zone = computed(() => session.community?.timezone ?? 'Asia/Shanghai')
  const tag = computed(() => (locale.value === 'zh' ? 'zh-CN' : 'en-GB'))

  const formats = computed(() => formatsOf(tag.value, zone.value))
  const today = computed(() => formats.value.day.format(now.value))

  function withDay(moment: Moment, format: Intl.DateTimeFormat): string {
    const date = new Date(moment)
    // Of today's name only, which changes once a day: whoever shows a time is not drawn again every second.
    const isToday = formats.value.day.format(date) === today.value
    return isToday ? format.format(date) : `${formats.value.day.format(date)} ${format.format(date)}`
  }

  /** 16:02:11, with the day where it is not today. */
  const clock = (moment: Moment) => withDay(moment, formats.value.clock)
  /** 16:02, with the day where it is not today. */
  const minute = (moment: Moment) => withDay(moment, formats.value.minute)
  /** 16:02:11.120 */
  const precise = (moment: Moment) => formats.value.precise.format(new Date(moment))

  /** How long ago, on the server's clock; never negative. */
  const secondsSince = (moment: Moment) => Math.max(0, Math.floor((now.value - new Date(moment).getTime()) / 1000))

  /** 3 分 20 秒 */
  function duration(seconds: number): string {
    const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600)]
    const minutes = Math.floor(seconds / 60)
    if (days) return t('unit.days', { d: days, h: hours % 24 })
    if (hours) return t('unit.hours', { h: hours, m: minutes % 60 })
    return minutes ? t('unit.minutes', { m: minutes, s: seconds % 60 }) : t('unit.seconds', { n: seconds })
  }

  /** 3:20, 1:03:20, or days in words: for a figure that ticks. */
  function stopwatch(seconds: number): string {
    if (seconds >= 86_400) return duration(seconds)
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    const shown = parts[0] ? parts : parts.slice(1)
    return shown.map((part, i) => (i ? String(part).padStart(2, '0') : String(part))).join(':')
  }

  /** 110 毫秒, or 3.2 秒 */
  function latency(seconds: number): string {
    if (seconds < 1) return t('unit.ms', { n: Math.round(seconds * 1000) })
    return t('unit.decimal_s', { n: seconds.toFixed(seconds < 10 ? 1 : 0) })
  }

  return { now, zone, today, clock, minute, precise, secondsSince, duration, stopwatch, latency }
}
