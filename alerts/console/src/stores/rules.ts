import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type KeyProblem, type RuleForms, type Stanza, unwrap } from '@/api/client'

/** The forms of rules and what can be chosen in them: fetched when somebody looks, and again after a change. */
export const useRules = defineStore('rules', () => {
  const forms = ref<RuleForms>()
  const choices = computed(() => forms.value?.choices)

  async function read(): Promise<void> {
    forms.value = await unwrap(api.GET('/api/rule-forms'))
  }

  const form = (kind: unknown) => forms.value?.kinds.find((one) => one.kind === kind)

  const check = (rule: string, stanza: Stanza) =>
    unwrap(api.POST('/api/rules/{rule}/check', { params: { path: { rule } }, body: { stanza } }))

  const history = (rule: string) => unwrap(api.GET('/api/rules/{rule}/history', { params: { path: { rule } } }))

  const week = (schedule: Stanza | null, begin: string, source = '') =>
    unwrap(api.POST('/api/week', { body: { schedule, begin, source } }))

  return { forms, choices, read, form, check, history, week }
})

/** What is wrong at a key itself, or below it where nobody says it there. */
export function at(problems: readonly KeyProblem[], key: string, below: boolean): KeyProblem[] {
  return problems.filter((one) => one.key === key || (below && one.key.startsWith(`${key}.`)))
}

/** A stanza with a key set, or without it: then its default holds. */
export function withKey(stanza: Stanza, key: string, value: unknown): Stanza {
  const { [key]: _before, ...others } = stanza
  return value === undefined ? others : { ...stanza, [key]: value }
}
