/** Year, month, day, hour and minute that the clock on the wall shows in a zone. */
export function wallClock(at: number, zone: string): number[] {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const named = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  return ['year', 'month', 'day', 'hour', 'minute'].map((name) => named[name]!)
}

/** The moment at which the clock on the wall shows in a zone what it shows at `asIfUtc` in UTC. */
export function momentAt(asIfUtc: number, zone: string): string {
  const [y, m, d, h, min] = wallClock(asIfUtc, zone)
  return new Date(asIfUtc - (Date.UTC(y!, m! - 1, d, h, min) - asIfUtc)).toISOString()
}

/** What an input of the kind `datetime-local` holds, as a moment; null where it is empty. */
export const fromInput = (text: string, zone: string) => (text ? momentAt(Date.parse(`${text}Z`), zone) : null)

/** A moment as an input of the kind `datetime-local` holds it. */
export function toInput(moment: string | null, zone: string): string {
  if (!moment) return ''
  const [year, ...others] = wallClock(Date.parse(moment), zone).map((part) => String(part).padStart(2, '0'))
  return `${year}-${others[0]}-${others[1]}T${others[2]}:${others[3]}`
}

/** A moment with its year, as people read it; – where there is none. */
export const written = (moment: string | null, zone: string) => toInput(moment, zone).replace('T', ' ') || '–'
