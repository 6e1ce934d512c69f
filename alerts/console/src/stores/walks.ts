import { defineStore } from 'pinia'
import { shallowRef } from 'vue'

import { api, type Audibility, type Coverage, type SayHeard, type StartWalk, unwrap, type WalkTest } from '@/api/client'

/** What people find out on the spot: whether they are seen, whether a speaker is heard, and where the gaps are. */
export const useWalks = defineStore('walks', () => {
  const tests = shallowRef<WalkTest[]>()
  const heard = shallowRef<Audibility[]>()
  const coverage = shallowRef<Coverage>()

  async function read(): Promise<void> {
    ;[tests.value, heard.value] = await Promise.all([unwrap(api.GET('/api/walk-tests')), unwrap(api.GET('/api/audibility-tests'))])
  }

  async function readCoverage(): Promise<void> {
    coverage.value = await unwrap(api.GET('/api/coverage'))
  }

  const put = (walk: WalkTest) => {
    const others = (tests.value ?? []).filter(({ id }) => id !== walk.id)
    tests.value = [walk, ...others].toSorted((a, b) => b.started_at.localeCompare(a.started_at))
    return walk
  }
  const start = async (body: StartWalk) => put(await unwrap(api.POST('/api/walk-tests', { body })))
  const look = async (walk_id: string) => put(await unwrap(api.GET('/api/walk-tests/{walk_id}', { params: { path: { walk_id } } })))
  const finish = async (walk_id: string, counts: boolean) =>
    put(await unwrap(api.POST('/api/walk-tests/{walk_id}/finish', { params: { path: { walk_id } }, body: { counts } })))

  async function say(body: SayHeard): Promise<void> {
    const said = await unwrap(api.POST('/api/audibility-tests', { body }))
    heard.value = [said, ...(heard.value ?? [])]
  }

  return { tests, heard, coverage, read, readCoverage, start, look, finish, say }
})
