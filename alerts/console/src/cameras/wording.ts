import { useI18n } from 'vue-i18n'

import type { Backtest, CameraDetails } from '@/api/client'
import { useWording } from '@/wording'

type Hit = NonNullable<Backtest['result']>['hits'][number]
type Fault = NonNullable<CameraDetails['last_fault']>

/** What pages say of a camera, in the chosen language. */
export function useCameraWording() {
  const { t, locale } = useI18n()
  const { known, whyText } = useWording()

  const number = (value: number, digits: number) => value.toLocaleString(locale.value, { maximumFractionDigits: digits })
  /** A share of a core: 0.07, 1.3. */
  const shareText = (cores: number) => number(cores, cores < 0.095 ? 3 : 2)
  const kindText = (kind: string) => known('camera.kind', kind)

  /** What was wrong: why, or what with the picture, or only that there was none. */
  const faultText = ({ condition, reason, faults }: Fault) => whyText(reason, faults) || known('why', condition)

  /** Pictures a second: how many come, of how many that are asked for. */
  function rateText({ fps, measured_fps: measured }: CameraDetails): string {
    const asked = number(fps, 1)
    return typeof measured === 'number' ? t('camera.rate', { measured: number(measured, 1), asked }) : t('camera.rate_asked', { asked })
  }

  /** What became of an incident that a test finds again; that it is new. */
  function judgedText({ was, muted }: Hit): string {
    if (was.length) return was.map((state) => known('state', state)).join(' · ')
    return muted ? t('camera.muted') : t('camera.new')
  }

  return { shareText, kindText, faultText, rateText, judgedText }
}
