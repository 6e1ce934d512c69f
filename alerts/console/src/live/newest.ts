/** Returns what begins a question, which returns whether that is the newest one still: answers overtake each other. */
export function questions(): () => () => boolean {
  let asked = 0
  return () => {
    const mine = ++asked
    return () => mine === asked
  }
}
