import { computed, onUnmounted, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'

import { type Filter, filterOf, passes, withFilter } from '@/filters'
import { isAlarming, newestFirst } from '@/life'
import { useIncidents } from '@/stores/incidents'

const TYPING_MS = 300

/** What of the incidents is shown, and in which order, as the address says. */
export function useWallFilter() {
  const route = useRoute()
  const router = useRouter()
  const incidents = useIncidents()

  const filter = computed(() => filterOf(route.query))
  const newest = computed(() => route.query.order === 'newest')
  const shown = computed(() => {
    const found = incidents.open.filter((incident) => passes(incident, filter.value))
    return newest.value ? found.sort(newestFirst) : found
  })
  const handled = computed(() => incidents.handled.filter((incident) => passes(incident, filter.value)))
  /** A filter hides nothing that needs somebody without saying so. */
  const hidden = computed(() => incidents.open.filter((incident) => !passes(incident, filter.value)))
  const hiddenCritical = computed(() => hidden.value.filter((one) => one.severity === 'critical' && isAlarming(one)).length)

  const choose = (chosen: Filter) => void router.replace({ query: withFilter(route.query, chosen) })

  function order(byTime: boolean): void {
    const { order: _, ...others } = route.query
    void router.replace({ query: byTime ? { ...others, order: 'newest' } : others })
  }

  // Among what was handled the server chooses, a moment after the last letter.
  let later: ReturnType<typeof setTimeout> | undefined
  watch(
    () => JSON.stringify(filter.value),
    (_now, before) => {
      clearTimeout(later)
      const ask = () => void incidents.choose(filter.value).catch(() => undefined)
      later = setTimeout(ask, before === undefined ? 0 : TYPING_MS)
    },
    { immediate: true },
  )
  onUnmounted(() => clearTimeout(later))

  return { filter, newest, shown, handled, hidden, hiddenCritical, choose, order }
}
