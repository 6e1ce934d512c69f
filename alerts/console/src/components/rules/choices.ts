import type { Choices, FormField, Words } from '@/api/client'

export interface Choice {
  value: string
  label: string
}

/** What a field can be set to: its own values, or what there is in the configuration for these cameras. */
export function choicesOf(
  field: FormField,
  choices: Choices,
  cameras: readonly string[],
  inLanguage: (words: Words) => string,
): Choice[] {
  const chosen = choices.cameras.filter((one) => cameras.includes(one.id))
  const named = (all: readonly { id: string; name: string }[]) => all.map((one) => ({ value: one.id, label: one.name }))
  const worded = (all: readonly { id: string; name: Words }[]) =>
    all.map((one) => ({ value: one.id, label: inLanguage(one.name) }))
  switch (field.pick) {
    case 'cameras':
      return choices.cameras.map((one) => ({ value: one.id, label: `${one.name} · ${one.point.name}` }))
    case 'zones':
      return once(named(chosen.flatMap((one) => one.zones)))
    case 'lines':
      return once(named(chosen.flatMap((one) => one.lines)))
    case 'sensors':
      return named(choices.sensors)
    case 'speakers':
      return worded(choices.speakers)
    case 'receivers':
      return worded(choices.receivers)
    case 'rules':
      return worded(choices.rules)
    case 'labels': {
      const given = new Set(chosen.flatMap((one) => one.labels))
      return worded(choices.labels.filter((one) => !given.size || given.has(one.id)))
    }
    case 'files':
      return choices.files.map((file) => ({ value: file, label: file.split('/').pop() ?? file }))
    default:
      return field.options.map((one) => ({ value: one.value, label: inLanguage(one.label) }))
  }
}

/** The first of each value: several cameras have a zone of one name. */
function once(all: Choice[]): Choice[] {
  return [...new Map(all.reverse().map((one) => [one.value, one])).values()].reverse()
}
