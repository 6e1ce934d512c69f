import { ElMessage } from 'element-plus'
import { ref } from 'vue'
import { useI18n } from 'vue-i18n'

import { api, ApiProblem, type Incident, unwrap } from '@/api/client'
import { useWording } from '@/wording'

const KNOWN = ['all_stopped', 'too_often', 'unreachable']

/** The operator's word at an incident's place: what came of it is said, and whether it did. */
export function useSpeech() {
  const { t } = useI18n()
  const { receiverName } = useWording()
  const busy = ref(false)

  async function tried(what: () => Promise<string>): Promise<boolean> {
    busy.value = true
    try {
      ElMessage.success(await what())
      return true
    } catch (error) {
      const code = error instanceof ApiProblem ? error.code : ''
      ElMessage.error(KNOWN.includes(code) ? t(`error.${code}`) : t('error.other', { code }))
      return false
    } finally {
      busy.value = false
    }
  }

  /** Says `words`, or again what was said last where there are none. */
  const say = (incident: Incident, words: string) =>
    tried(async () => {
      const params = { path: { incident_id: incident.id } }
      const told = await unwrap(api.POST('/api/incidents/{incident_id}/speech', { params, body: { text: words } }))
      return told.trouble ? t('speech.keys.trouble') : t('speech.keys.said', { receiver: receiverName(told.speaker) })
    })

  return { busy, tried, say }
}
