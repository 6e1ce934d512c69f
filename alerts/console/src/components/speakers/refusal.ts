import { useI18n } from 'vue-i18n'

import { ApiProblem } from '@/api/client'

const KNOWN = ['too_often', 'not_heard', 'not_taken', 'no_voice', 'no_speaker', 'outdated']

/** Why something at a speaker was refused, in the chosen language. */
export function useRefusal(): (error: unknown) => string {
  const { t } = useI18n()
  return (error) => {
    const { code, detail } = error instanceof ApiProblem ? error : { code: 'internal', detail: '' }
    if (code === 'unreachable' || code === 'all_stopped') return t(`error.${code}`)
    if (code === 'refused') return detail
    return KNOWN.includes(code) ? t(`speakers.refused.${code}`) : t('error.other', { code })
  }
}
