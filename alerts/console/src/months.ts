import { momentAt, wallClock } from '@/zoned'

/** A year and a month as `2026-07`, where the text is one. */
export function monthOf(text: string): [number, number] | undefined {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? []
  return year && month ? [Number(year), Number(month)] : undefined
}

/** The last `count` months that have begun, the newest first, where the community lives. */
export function monthsBack(now: number, zone: string, count: number): string[] {
  const [year, month] = wallClock(now, zone)
  return Array.from({ length: count }, (_, i) => {
    const months = year! * 12 + month! - 1 - i
    return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, '0')}`
  })
}

/** The times that `7` (the last seven days) or `2026-07` (that month, so far) stands for; a week for anything else. */
export function spanOf(text: string, now: number, zone: string): { from: string; to: string } {
  const month = monthOf(text)
  if (!month) {
    const days = /^[1-9]\d{0,2}$/.test(text) ? Math.min(Number(text), 366) : 7
    return { from: new Date(now - days * 86_400_000).toISOString(), to: new Date(now).toISOString() }
  }
  const [year, number] = month
  const [from, to] = [begins(year, number, zone), begins(year, number + 1, zone)]
  const soFar = new Date(now).toISOString()
  return { from, to: from < soFar && soFar < to ? soFar : to }
}

/** The moment at which a month begins; `month` 13 is January of the next year. */
const begins = (year: number, month: number, zone: string) => momentAt(Date.UTC(year, month - 1, 1), zone)
