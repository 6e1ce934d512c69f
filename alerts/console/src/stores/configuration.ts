import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type DrawnStanza, type RuleStanza, type SettingsState, type Stanza, unwrap, type VersionDetail } from '@/api/client'

/** A version is in force a second after it was made. */
export const IN_FORCE_MS = 1500

export type Drawing = 'zones' | 'lines'

/** Rules, zones and lines as they are in the newest version, and who changed what; read when somebody looks. */
export const useConfiguration = defineStore('configuration', () => {
  const state = ref<SettingsState>()
  const rules = ref<RuleStanza[]>([])
  const drawn = ref<Record<Drawing, DrawnStanza[]>>({ zones: [], lines: [] })
  const newest = computed(() => state.value?.newest ?? 0)

  async function read(): Promise<void> {
    const [settings, allRules, zones, lines] = await Promise.all([
      unwrap(api.GET('/api/settings')),
      unwrap(api.GET('/api/rules')),
      unwrap(api.GET('/api/zones')),
      unwrap(api.GET('/api/lines')),
    ])
    state.value = settings
    rules.value = allRules
    drawn.value = { zones, lines }
  }

  /** Makes a version, and reads again what there is: at once, and when it is in force. */
  async function change(request: Promise<SettingsState>): Promise<void> {
    await request
    await read()
    setTimeout(() => void read().catch(() => undefined), IN_FORCE_MS)
  }

  const changeRule = (rule: string, stanza: Stanza, reason: string) =>
    change(
      unwrap(
        api.PUT('/api/rules/{rule}', { params: { path: { rule } }, body: { stanza, reason, based_on: newest.value } }),
      ),
    )

  const takeRuleBack = (rule: string, reason: string) =>
    change(
      unwrap(
        api.DELETE('/api/rules/{rule}', { params: { path: { rule }, query: { reason, based_on: newest.value } } }),
      ),
    )

  const switchRule = (rule: string, to: 'on' | 'off', reason: string) =>
    change(
      unwrap(
        api.PUT('/api/rules/{rule}/{switch}', {
          params: { path: { rule, switch: to } },
          body: { reason, based_on: newest.value },
        }),
      ),
    )

  const draw = (kind: Drawing, camera: string, name: string, stanza: Stanza | null, reason: string) =>
    change(
      unwrap(
        api.PUT(`/api/${kind}/{camera}/{name}`, {
          params: { path: { camera, name } },
          body: { stanza, reason, based_on: newest.value },
        }),
      ),
    )

  const takeDrawingBack = (kind: Drawing, camera: string, name: string, reason: string) =>
    change(
      unwrap(
        api.DELETE(`/api/${kind}/{camera}/{name}`, {
          params: { path: { camera, name }, query: { reason, based_on: newest.value } },
        }),
      ),
    )

  const switchCamera = (camera: string, to: 'on' | 'off', reason: string) =>
    change(
      unwrap(api.PUT('/api/cameras/{camera}/{switch}', { params: { path: { camera, switch: to } }, body: { reason } })),
    )

  const restore = (number: number, reason: string) =>
    change(
      unwrap(
        api.POST('/api/settings/{number}/restore', {
          params: { path: { number } },
          body: { reason, based_on: newest.value },
        }),
      ),
    )

  const show = (number: number): Promise<VersionDetail> =>
    unwrap(api.GET('/api/settings/{number}', { params: { path: { number } } }))

  return { state, rules, drawn, read, changeRule, takeRuleBack, switchRule, draw, takeDrawingBack, switchCamera, restore, show }
})
