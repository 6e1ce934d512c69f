import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { api, type PlateEntry, type PlateHits, type PlateImport, type PlatePage, rawBody, type SettingsState, unwrap } from '@/api/client'

export type Asked = { list: string; plate: string; reason: string }
export type Validity = { since: string | null; until: string | null; note: string }
export type Mode = 'add' | 'replace'

/** Lists of plates as they are in the newest version; in clear while somebody has said why. */
export const usePlates = defineStore('plates', () => {
  const page = ref<PlatePage>()
  const list = ref('')
  const asked = ref<Asked>()
  const clear = computed(() => asked.value !== undefined)
  const based_on = () => page.value?.newest ?? 0

  /** Reads what is shown, once more. */
  async function read(): Promise<void> {
    page.value = asked.value
      ? await unwrap(api.POST('/api/plates/search', { body: { ...asked.value, list: list.value } }))
      : await unwrap(api.GET('/api/plates', { params: { query: { list: list.value } } }))
  }

  async function look(now: Asked | undefined): Promise<void> {
    const before = asked.value
    asked.value = now
    await read().catch((error: unknown) => {
      asked.value = before
      throw error
    })
  }

  async function change(request: Promise<SettingsState>): Promise<void> {
    await request
    await read()
  }

  const add = (to: string, plate: string, validity: Validity, reason: string) =>
    change(unwrap(api.POST('/api/plates/entries', { body: { list: to, plate, ...validity, reason, based_on: based_on() } })))

  /** Of a masked entry nobody knows the note: it stays as it is. */
  const alter = (one: PlateEntry, validity: Validity, reason: string) =>
    change(
      unwrap(
        api.PUT('/api/plates/entries', {
          body: { list: one.list, n: one.n, plate: one.plate, ...validity, note: clear.value ? validity.note : null, reason, based_on: based_on() },
        }),
      ),
    )

  const remove = (one: PlateEntry, reason: string) =>
    change(unwrap(api.DELETE('/api/plates/entries', { params: { query: { list: one.list, n: one.n, plate: one.plate, reason, based_on: based_on() } } })))

  const takeBack = (id: string, reason: string) => change(unwrap(api.DELETE('/api/plates/lists', { params: { query: { list: id, reason, based_on: based_on() } } })))

  const check = (to: string, file: File, mode: Mode): Promise<PlateImport> =>
    unwrap(api.POST('/api/plates/import/check', { params: { query: { list: to, name: file.name, mode } }, ...rawBody(file) }))

  const take = (to: string, file: File, mode: Mode, reason: string) =>
    change(unwrap(api.POST('/api/plates/import', { params: { query: { list: to, name: file.name, mode, reason, based_on: based_on() } }, ...rawBody(file) })))

  const hits = ({ list: of, n, plate }: PlateEntry): Promise<PlateHits> => unwrap(api.GET('/api/plates/hits', { params: { query: { list: of, n, plate } } }))

  return { page, list, asked, clear, read, look, add, alter, remove, takeBack, check, take, hits }
})
