/** The Monday of this week, or so many weeks later, as 2026-06-29. */
export function monday(weeks: number, now = new Date()): string {
  const day = new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()))
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7) + 7 * weeks)
  return day.toISOString().slice(0, 10)
}
