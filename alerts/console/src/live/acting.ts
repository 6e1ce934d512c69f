import { ElMessage } from 'element-plus'
import { computed, ref } from 'vue'
import { useI18n } from 'vue-i18n'

import { type Action, ApiProblem } from '@/api/client'
import { mayDo } from '@/life'
import { useIncidents } from '@/stores/incidents'
import { useSession } from '@/stores/session'

/** What a person does to an incident: at once, or after the question that the action asks. */
export function useActing() {
  const { t } = useI18n()
  const incidents = useIncidents()
  const session = useSession()

  const asked = ref<{ id: string; action: Exclude<Action, 'acknowledge'> }>()
  /** Whether the question stands; it is still to be seen for a moment after its answer. */
  const asking = ref(false)
  const askedIncident = computed(() => asked.value && incidents.byId.get(asked.value.id))

  async function act(id: string, action: Action): Promise<void> {
    const incident = incidents.byId.get(id)
    if (!incident || !mayDo(incident, session.user).includes(action) || incidents.busy.has(id)) return
    if (action !== 'acknowledge') {
      asked.value = { id, action }
      asking.value = true
      return
    }
    try {
      await incidents.act(id, action)
      ElMessage.success(t('done.acknowledge'))
    } catch (error) {
      const code = error instanceof ApiProblem ? error.code : 'internal'
      if (code === 'not_allowed') await incidents.refresh(id).catch(() => undefined)
      const state = t(`state.${incidents.byId.get(id)?.state ?? 'closed'}`)
      ElMessage.error(code === 'not_allowed' || code === 'unreachable' ? t(`error.${code}`, { state }) : t('error.other', { code }))
    }
  }

  return { asked, asking, askedIncident, act }
}
