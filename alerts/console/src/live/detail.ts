import { computed, ref, watch } from 'vue'

import { api, type IncidentDetail, unwrap } from '@/api/client'
import { useIncidents } from '@/stores/incidents'

/** One incident with all that is known of it, read again whenever it changes. */
export function useIncidentDetail(id: () => string) {
  const incidents = useIncidents()
  const detail = ref<IncidentDetail>()
  const missing = ref(false)
  /** The live summary goes ahead of the detail, which is read again whenever it is newer. */
  const incident = computed(() => incidents.byId.get(id()) ?? detail.value)

  watch(
    () => [id(), incidents.byId.get(id())?.version] as const,
    async ([wanted], previous) => {
      if (wanted !== previous?.[0]) detail.value = undefined
      try {
        const read = await unwrap(api.GET('/api/incidents/{incident_id}', { params: { path: { incident_id: wanted } } }))
        if (wanted === id()) detail.value = read
        missing.value = false
        // The wall may not have been read yet, and what is open can be acted on at once.
        if (read.open) incidents.merge(read)
      } catch {
        missing.value = !detail.value
      }
    },
    { immediate: true },
  )

  return { incident, detail, missing }
}
